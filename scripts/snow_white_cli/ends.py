"""How the command line ends: its exit codes, and the errors that end it with a sentence."""

from __future__ import annotations

from enum import IntEnum

import click


class ExitCode(IntEnum):
    """What a script can rely on.

    CONFIRMED: the run ended, and everything that was asked for is confirmed; never said otherwise.
    FAILED: the run ended without a confirmation, or could not be started or found.
    WRONG_USAGE: what was typed cannot be carried out: an unknown action, option, profile, region or value.
    UNKNOWN: the run goes on, or nobody can tell: not waited for, left running, or lost sight of.
    """

    CONFIRMED = 0
    FAILED = 1
    WRONG_USAGE = 2
    UNKNOWN = 3


class CommandError(click.ClickException):
    """Ends the command with a sentence on standard error."""

    exit_code = ExitCode.FAILED


class WrongUsage(CommandError):
    """What was typed cannot be carried out."""

    exit_code = ExitCode.WRONG_USAGE


class LostSight(CommandError):
    """The run may go on, but cannot be followed any more."""

    exit_code = ExitCode.UNKNOWN
