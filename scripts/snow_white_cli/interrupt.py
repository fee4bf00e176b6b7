"""Ctrl-C while a run is followed: the run does not end by itself then, so the person is asked."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Final

import click

_QUESTION: Final = """\
The run goes on in AWS. What shall become of it?
  l  leave it running, and end this command
  s  stop it: nobody waits for its workers any more; those that are quiet stay quiet
  w  watch it again"""


class Choice(StrEnum):
    """What the person wants."""

    LEAVE = "l"
    STOP = "s"
    WATCH = "w"


def can_ask() -> bool:
    """Whether somebody sits at a terminal on both sides of the question."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask() -> Choice:
    """Ask; Ctrl-C again, or the end of the input, leaves it running: stopping is never done by accident."""
    try:
        click.echo(f"\n{_QUESTION}", err=True)
        answer = click.prompt(
            "Answer",
            type=click.Choice([choice.value for choice in Choice]),
            default=Choice.LEAVE.value,
            err=True,
        )
    except (click.Abort, KeyboardInterrupt):
        click.echo(err=True)
        return Choice.LEAVE
    return Choice(answer)
