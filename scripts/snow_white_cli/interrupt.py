"""The question that Ctrl-C raises while a run is followed: leave it running, stop it, or follow it further."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import click

_QUESTION: Final = """\
The run goes on in AWS. What do you want to do?
  l  leave it running, and end this command
  s  stop the run; workers that are quiet stay quiet
  w  watch it again"""
_QUESTION_BEFORE_A_COMMAND: Final = """\
The run goes on in AWS, and the command waits for it. What do you want to do?
  s  stop the run, do not run the command, and wake the workers
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
    return _ask(_QUESTION, tuple(Choice), Choice.LEAVE)


def ask_before_a_command() -> Choice:
    """STOP or WATCH. Ctrl-C or the end of the input means STOP: nobody would wake workers that a left run quiets."""
    return _ask(_QUESTION_BEFORE_A_COMMAND, (Choice.STOP, Choice.WATCH), Choice.STOP)


def _ask(question: str, choices: Sequence[Choice], default: Choice) -> Choice:
    try:
        click.echo(f"\n{question}", err=True)
        answer = click.prompt(
            "Choice",
            type=click.Choice([choice.value for choice in choices]),
            default=default.value,
            err=True,
        )
    except (click.Abort, KeyboardInterrupt):
        click.echo(err=True)
        return default
    return Choice(answer)
