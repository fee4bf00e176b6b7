"""A command that is run while the workers sleep: whether it can be run, and with which exit code it ends."""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from typing import Final

from snow_white_cli.exit_codes import CommandError, CommandExitCode
from snow_white_cli.program import callers_environment
from snow_white_cli.showing.visible_text import visible
from snow_white_cli.signals import Signals

_STDERR: Final = 2


class CannotRun(CommandError):
    """The command was not run, because it cannot be executed."""

    exit_code = CommandExitCode.NOT_EXECUTABLE


class NotFound(CannotRun):
    """The command was not run, because there is none of that name."""

    exit_code = CommandExitCode.NOT_FOUND


def in_words(command: Sequence[str]) -> str:
    """The command as a line for a shell."""
    return visible(shlex.join(command))


def demand_executable(command: Sequence[str]) -> None:
    """Raise CannotRun if there is no such program, or if it cannot be executed."""
    if shutil.which(command[0]):
        return
    if shutil.which(command[0], mode=os.F_OK):
        raise _cannot_run(command, errno.EACCES)
    raise _cannot_run(command, errno.ENOENT)


def run(command: Sequence[str], signals: Signals, *, output_to_stderr: bool) -> int:
    """Run the command with this process's standard streams; its exit code, 128+N if signal N has ended it.

    Raises:
        CannotRun: it could not be started.
    """
    try:
        process = subprocess.Popen(
            command, stdout=_STDERR if output_to_stderr else None, env=callers_environment()
        )
    except OSError as error:
        raise _cannot_run(command, error.errno or errno.EACCES) from error
    code = signals.wait(process)
    return code if code >= 0 else 128 - code


def _cannot_run(command: Sequence[str], number: int) -> CannotRun:
    kind = NotFound if number == errno.ENOENT else CannotRun
    return kind(f"{command[0]!r} cannot be run: {os.strerror(number)}.")
