"""The question that Ctrl-C raises while a run is followed: leave it running, stop it, or follow it further."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Final

import click

_QUESTION: Final = """\
The run goes on in AWS. What do you want to do?
  l  leave it running, and end this command
  s  stop the run; workers that are quiet stay quiet
  w  watch it again"""


class Choice(StrEnum):
    """What happens to the run."""

    LEAVE = "l"
    STOP = "s"
    WATCH = "w"


def can_ask() -> bool:
    """Whether the question can be shown and answered on a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask() -> Choice:
    """The user's answer. Ctrl-C or the end of the input means LEAVE, so a run is never stopped by accident."""
    try:
        click.echo(f"\n{_QUESTION}", err=True)
        answer = click.prompt(
            "Choice",
            type=click.Choice([choice.value for choice in Choice]),
            default=Choice.LEAVE.value,
            err=True,
        )
    except (click.Abort, KeyboardInterrupt):
        click.echo(err=True)
        return Choice.LEAVE
    return Choice(answer)
