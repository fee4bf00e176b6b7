"""What every worker host can do.

There are two kinds: `systemd_host.SystemdHost` (a real systemd in namespaces, needs root) and
`plain_host.PlainHost` (the fallback without root). Tests and the local Elastic Beanstalk use this interface.
"""

from __future__ import annotations

import contextlib
import subprocess
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, ClassVar, Final

from local_aws.hosts.host_process import HostProcess, start_in_host
from local_aws.processes.child_process import ChildProcess, Stoppable
from local_aws.processes.waiting import wait_for

_STOP_SECONDS: Final = 30.0


class Restart(StrEnum):
    """When a service is started again after it has ended, in systemd's words."""

    ALWAYS = "always"
    ON_FAILURE = "on-failure"
    NO = "no"


class HostKind(StrEnum):
    """How a host is made; the text of `PLAIN` names it as the fallback wherever hosts are listed."""

    SYSTEMD = "systemd"
    PLAIN = "plain (fallback without systemd)"


class HostError(Exception):
    """A host could not be started or does not answer; the sentence has the host and the reason."""


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


class Host(Stoppable):
    """A throw-away machine on which commands and services run.

    `monitor` is the child process that waits for the host's end and removes what is left of it; None when another
    process has started the host.
    """

    kind: ClassVar[HostKind]

    def __init__(self, folder: Path, name: str, init_pid: int, monitor: ChildProcess | None) -> None:
        self.folder = folder
        self.name = name
        self.init_pid = init_pid
        self._monitor = monitor

    @property
    def root(self) -> Path:
        """The host's file system from outside. An absolute link in it resolves to a path of this machine."""
        return Path(f"/proc/{self.init_pid}/root")

    @property
    def is_running(self) -> bool:
        """Whether the host is up, and no process has begun to stop it."""
        return not self._stopping.exists() and self._is_up()

    def popen(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        stdin: int | IO[Any] | None = subprocess.DEVNULL,
        stdout: int | IO[Any] | None = subprocess.PIPE,
        stderr: int | IO[Any] | None = subprocess.PIPE,
    ) -> HostProcess:
        """Start a command in the host as root, in `/`, in a session of its own, with PATH, LANG and `env`."""
        if not self.is_running:
            raise HostError(f"The host {self.name} is not running.")
        return start_in_host(
            self._enter_command(), command, env=env, stdin=stdin, stdout=stdout, stderr=stderr
        )

    def run(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        timeout: float = 60,
        check: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the host and wait for it; `check` raises CalledProcessError unless it exits 0."""
        return self.popen(command, env=env).finish(command, timeout, check=check)

    def write(self, path: str, content: str | bytes, mode: int = 0o644) -> None:
        """Write a file in the host, with its parent folders."""
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        target.chmod(mode)

    def read(self, path: str) -> str:
        """Read a text file of the host; FileNotFoundError when it is not there."""
        return (self.root / path.lstrip("/")).read_text()

    def stop(self) -> None:
        """End the host and everything in it at once, and remove its folder. Harmless on an ended host."""
        with contextlib.suppress(OSError):
            self._stopping.touch()
        self._kill()
        if self._monitor is not None:
            self._monitor.end()
        if not wait_for(lambda: not self.folder.exists(), _STOP_SECONDS):
            raise HostError(f"The host {self.name} did not end: {self.folder} is still there.")

    @property
    def _stopping(self) -> Path:
        """A file that exists from the first moment of `stop` on, so that no other process uses the host any more."""
        return self.folder / "stopping"

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
    def _enter_command(self) -> str:
        """Shell words that end in `exec nsenter …`, to put before a command to run in the host."""

    @abstractmethod
    def _kill(self) -> None:
        """End those processes of the host that the end of its monitor does not end."""
