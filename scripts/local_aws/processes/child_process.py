"""A child process that ends when its standard input is closed, and so when its parent ends in whatever way."""

from __future__ import annotations

import contextlib
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import IO, Any, Self


class Stoppable(ABC):
    """Something that runs until `stop`, which the end of a `with` block calls."""

    @abstractmethod
    def stop(self) -> None:
        """End it; harmless when it has ended."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()


class ChildProcess:
    """A process in a session of its own, with a pipe as its standard input that only this process can write to.

    The kernel closes the pipe when this process ends. The command must end when it reads the pipe's end.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        output: int | IO[Any] = subprocess.DEVNULL,
    ) -> None:
        self._process = subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def end(self, seconds: float | None = None) -> None:
        """Close the pipe and wait for the end. Harmless when it has ended.

        One that still runs after `seconds` is killed, and subprocess.TimeoutExpired raised.
        """
        self._close_pipe()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """End it at once, without a chance to clean up."""
        self._process.kill()
        self._process.wait()
        self._close_pipe()

    def detach(self, message: bytes) -> None:
        """Send a message that tells it to outlive this process, and close the pipe."""
        assert self._process.stdin is not None
        self._process.stdin.write(message)
        self._process.stdin.close()

    def _close_pipe(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
