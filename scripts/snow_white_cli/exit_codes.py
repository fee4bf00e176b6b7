"""The exit codes of the command line, and the exceptions that end it with a message."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

import click

from snow_white_cli.showing.visible_text import visible


class ExitCode(IntEnum):
    """The exit codes, which scripts may rely on.

    CONFIRMED: the run has ended, and every instance is confirmed. No other end has this code.
    FAILED: the run ended without a confirmation, or it could not be started or found.
    WRONG_USAGE: an action, option, profile, region or value is invalid.
    UNKNOWN: the run goes on, or its state could not be read.
    """

    CONFIRMED = 0
    FAILED = 1
    WRONG_USAGE = 2
    UNKNOWN = 3


class CommandExitCode(IntEnum):
    """The exit codes of `quiet` and `stop` with a command, beside the command's own; as env and timeout have them.

    NOT_AWAKE: the command was run, but the workers are not confirmed awake.
    NOT_RUN: the command was not run, because the workers are not confirmed quiet or stopped, or the usage is wrong.
    NOT_EXECUTABLE, NOT_FOUND: the command was not run, because it cannot be executed, or there is none of that name.
    """

    NOT_AWAKE = 124
    NOT_RUN = 125
    NOT_EXECUTABLE = 126
    NOT_FOUND = 127


class CommandError(click.ClickException):
    """Ends the command with a message on standard error and exit code 1."""

    exit_code: ClassVar[int] = ExitCode.FAILED

    def __init__(self, message: str) -> None:
        super().__init__(visible(message))


class WrongUsage(CommandError):
    """The command line or the request is invalid."""

    exit_code = ExitCode.WRONG_USAGE


class RunStateUnknown(CommandError):
    """The run may be going on, but its state cannot be read any more."""

    exit_code = ExitCode.UNKNOWN
