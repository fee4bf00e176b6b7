"""What every worker host can do, whichever way it was made.

Two kinds exist: `worker_host.WorkerHost` (a real systemd in namespaces, as root) and `plain_host.PlainHost`
(the fallback without root). Tests and the local Elastic Beanstalk know this interface only.
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import IO, Any, ClassVar, Final, Self

from local_aws.hosts.inside import InsideProcess, start_inside

_SECONDS_TO_END: Final = 30.0


class Restart(StrEnum):
    """When a service is started again after it has ended, in systemd's words."""

    ALWAYS = "always"
    ON_FAILURE = "on-failure"
    NO = "no"


class HostKind(StrEnum):
    """How a host is made; `PLAIN` is the fallback and every output that lists hosts should say so."""

    SYSTEMD = "systemd"
    PLAIN = "plain (fallback without systemd)"


class HostError(Exception):
    """A host could not be made or does not answer; the sentence says which and why."""


@dataclass(frozen=True)
class Service:
    """A program that a host keeps running, as a Procfile line becomes a unit on Elastic Beanstalk.

    `name` has no suffix: `worker` is the unit `worker.service`. `stop_timeout` is in seconds: how long a stop
    or a restart waits after TERM before KILL.
    """

    name: str
    command: Sequence[str]
    working_directory: str = "/"
    environment: Mapping[str, str] = field(default_factory=dict)
    restart: Restart = Restart.ALWAYS
    stop_timeout: float = 90


class Host(ABC):
    """A throw-away machine on which commands run and services are kept alive."""

    kind: ClassVar[HostKind]

    def __init__(self, folder: Path, name: str, init_pid: int) -> None:
        self.folder = folder
        self.name = name
        self.init_pid = init_pid
        self._keeper: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def root(self) -> Path:
        """The host's file system as seen from outside. Absolute links inside lead out of it."""
        return Path(f"/proc/{self.init_pid}/root")

    @property
    def is_running(self) -> bool:
        """Whether the host is up, and nobody has begun to end it."""
        return not self._ending.exists() and self._is_up()

    def popen(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        stdin: int | IO[Any] | None = subprocess.DEVNULL,
        stdout: int | IO[Any] | None = subprocess.PIPE,
        stderr: int | IO[Any] | None = subprocess.PIPE,
    ) -> InsideProcess:
        """Start a command inside as root, in `/`, in a session of its own, with PATH, LANG and `env`."""
        if not self.is_running:
            raise HostError(f"The host {self.name} is not running.")
        return start_inside(self._enter(), command, env=env, stdin=stdin, stdout=stdout, stderr=stderr)

    def run(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        timeout: float = 60,
        check: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside and wait for it; `check` raises CalledProcessError unless it exits 0."""
        return self.popen(command, env=env).finish(command, timeout, check=check)

    def write(self, path: str, content: str | bytes, mode: int = 0o644) -> None:
        """Write a file inside the host, with its parent folders."""
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        target.chmod(mode)

    def read(self, path: str) -> str:
        """Read a text file inside the host; FileNotFoundError when it is not there."""
        return (self.root / path.lstrip("/")).read_text()

    def stop(self) -> None:
        """End the host and everything in it at once, and remove its folder. Harmless on an ended host."""
        with contextlib.suppress(OSError):
            self._ending.touch()
        self._kill()
        if self._keeper is not None:
            _let_go(self._keeper)
        deadline = time.monotonic() + _SECONDS_TO_END
        while self.folder.exists():
            if time.monotonic() > deadline:
                raise HostError(f"The host {self.name} did not end: {self.folder} is still there.")
            time.sleep(0.02)

    @property
    def _ending(self) -> Path:
        """What the folder has from the first moment of `stop` on, so that no other process takes it for running."""
        return self.folder / "ending"

    @abstractmethod
    def add_service(self, service: Service) -> None:
        """Install a service, or replace the one of that name, and start it."""

    @abstractmethod
    def stop_service(self, name: str) -> None:
        """Stop a service; it stays down."""

    @abstractmethod
    def restart_service(self, name: str) -> None:
        """Stop and start a service, as a deploy does."""

    @abstractmethod
    def _is_up(self) -> bool:
        """Whether the host's first process is alive."""

    @abstractmethod
    def _enter(self) -> str:
        """Shell words that end in `exec nsenter …`, to put before a command that shall run in the host."""

    @abstractmethod
    def _kill(self) -> None:
        """End every process of the host, as far as closing the lifeline does not."""


def boot(
    keeper_command: Sequence[str], folder: Path, timeout: float, first_process: Callable[[int], int | None]
) -> tuple[subprocess.Popen[bytes], int]:
    """Start the keeper of a host, and wait until the host is up; returns the keeper and the host's first process.

    `first_process` gets the keeper's pid; it returns None, or raises OSError or ValueError, until the host is up.
    HostError with the boot's last words when that takes longer than `timeout` seconds.
    """
    keeper = subprocess.Popen(
        keeper_command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return keeper, _wait_for_boot(keeper, folder, timeout, first_process)
    except BaseException:
        _let_go(keeper)
        raise


def _wait_for_boot(
    keeper: subprocess.Popen[bytes], folder: Path, timeout: float, first_process: Callable[[int], int | None]
) -> int:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and keeper.poll() is None and not (folder / "ended").exists():
        with contextlib.suppress(OSError, ValueError):
            if pid := first_process(keeper.pid):
                return pid
        time.sleep(0.05)
    words = ""
    with contextlib.suppress(OSError):
        words = (folder / "boot.log").read_text().strip()
    ended = f"was not up after {timeout:g} s" if time.monotonic() >= deadline else "ended while it booted"
    raise HostError(f"The host in {folder} {ended}. {words}".strip())


def _let_go(keeper: subprocess.Popen[bytes]) -> None:
    """Close the lifeline of a host and wait until its keeper has cleared it away."""
    assert keeper.stdin is not None
    with contextlib.suppress(OSError):
        keeper.stdin.close()
    keeper.wait()
