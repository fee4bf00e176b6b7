"""Signals that would end the program: noted, passed on to a command, or raised only where that loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Final, Self

_SIGNALS: Final = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP)
_FROM_KEYBOARD: Final = frozenset({signal.SIGINT, signal.SIGQUIT})


class Interrupted(BaseException):
    """A signal asks the program to end. Not an Exception, so that nobody takes it for an error of a call."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.from_keyboard = number in _FROM_KEYBOARD


class Signals:
    """Handles SIGINT, SIGQUIT, SIGTERM and SIGHUP inside a `with` block, except those that are ignored, as by nohup."""

    def __init__(self) -> None:
        self._noted: list[int] = []
        self._raises = False
        self._command: subprocess.Popen[bytes] | None = None
        self._former: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._former[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, former in self._former.items():
            signal.signal(number, former)

    @property
    def came(self) -> bool:
        """Whether a signal has come that was neither raised nor forgotten."""
        return bool(self._noted)

    def forget(self) -> None:
        """Forget the signals that have come so far."""
        self._noted.clear()

    @contextmanager
    def raised(self) -> Iterator[None]:
        """Raise Interrupted for a signal that comes inside, or that came before and was not forgotten."""
        try:
            self._raises = True
            if self._noted:
                raise Interrupted(self._noted.pop())
            yield
        finally:
            self._raises = False

    def wait(self, command: subprocess.Popen[bytes]) -> int:
        """Wait for the command, and pass signals on to it; its return code.

        The terminal sends Ctrl-C to the command, too, which would take a second one for more than the first.
        """
        self._command = command
        for number in self._noted:
            self._send(number)
        try:
            return command.wait()
        finally:
            self._command = None

    def _handle(self, number: int, _: FrameType | None) -> None:
        if self._raises:
            self._raises = False
            raise Interrupted(number)
        self._noted.append(number)
        if self._command and not (number in _FROM_KEYBOARD and _is_in_foreground()):
            self._send(number)

    def _send(self, number: int) -> None:
        with suppress(ProcessLookupError):
            if self._command:
                self._command.send_signal(number)


def _is_in_foreground() -> bool:
    """Whether this process and its children get the signals of a terminal's keyboard."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
