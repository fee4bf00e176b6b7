"""What every worker host can do, whichever way it was made.

Two kinds exist: `worker_host.WorkerHost` (a real systemd in namespaces, as root) and `plain_host.PlainHost`
(the fallback without root). Tests and the local Elastic Beanstalk know this interface only.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Protocol

from local_aws.inside import InsideProcess


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


class Host(Protocol):
    """A throw-away machine on which commands run and services are kept alive."""

    name: str
    folder: Path
    kind: HostKind

    @property
    def is_running(self) -> bool:
        """Whether the host's first process is alive."""

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

    def run(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        timeout: float = 60,
        check: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside and wait for it; `check` raises CalledProcessError unless it exits 0."""

    def write(self, path: str, content: str | bytes, mode: int = 0o644) -> None:
        """Write a file inside the host, with its parent folders."""

    def read(self, path: str) -> str:
        """Read a text file inside the host; FileNotFoundError when it is not there."""

    def add_service(self, service: Service) -> None:
        """Install a service, or replace the one of that name, and start it."""

    def stop_service(self, name: str) -> None:
        """Stop a service; it stays down."""

    def restart_service(self, name: str) -> None:
        """Stop and start a service, as a deploy does."""

    def stop(self) -> None:
        """End the host and everything in it at once, and remove its folder. Harmless on an ended host."""
