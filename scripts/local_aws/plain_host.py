"""The fallback for a machine on which one is not root: a PID namespace with a small supervisor.

It has the interface of `WorkerHost` and behaves like it as far as Sidekiq and Run Command can see: processes of
its own, a user that is root inside, a host name, files of its own under /var, /run, /tmp and /root, services that
are restarted whenever they end. It has no systemd and no cgroup of its own, so that a script finds no unit behind
a process, /etc and /usr are the machine's and cannot be written, and the network is the machine's.

    with PlainHost.start(tmp_path / "host") as host:
        host.add_service(Service("worker", ["/usr/bin/sidekiq", "-r", "/var/app/current/app.rb"]))
"""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from local_aws.host import HostError, HostKind, Service
from local_aws.inside import InsideProcess, start_inside

_KEEPER = Path(__file__).parent / "host_boot" / "plain.sh"
_SECONDS_TO_ANSWER = 300


class PlainHost:
    """See the module's text. The interface is `local_aws.host.Host`."""

    kind = HostKind.PLAIN

    def __init__(self, folder: Path, name: str, init_pid: int) -> None:
        self.folder = folder
        self.name = name
        self.init_pid = init_pid
        self._keeper: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(cls, folder: Path, *, name: str = "worker-host", timeout: float = 60) -> PlainHost:
        """Make a host in `folder`, which must not exist yet and is removed with it.

        HostError with the last words of the boot when it is not up after `timeout` seconds.
        """
        (folder / "stage").mkdir(parents=True)
        folder = folder.resolve()
        keeper = subprocess.Popen(
            ["bash", str(_KEEPER), "keep", str(folder), name, str(Path(sys.executable).resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            host = cls(folder, name, _wait_for_boot(folder, keeper, timeout))
        except BaseException:
            _let_go(keeper)
            raise
        host._keeper = keeper
        (folder / "host.json").write_text(json.dumps({"name": name, "init_pid": host.init_pid}))
        return host

    @classmethod
    def attach(cls, folder: Path) -> PlainHost:
        """The running host that another process started in `folder`; it keeps living when this one ends."""
        try:
            state = json.loads((folder / "host.json").read_text())
        except FileNotFoundError:
            raise HostError(f"There is no running plain host in {folder}.") from None
        return cls(folder.resolve(), state["name"], state["init_pid"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def root(self) -> Path:
        """The host's file system as seen from outside."""
        return Path(f"/proc/{self.init_pid}/root")

    @property
    def is_running(self) -> bool:
        with contextlib.suppress(OSError):
            return (self.root / "run/supervisor.sock").exists()
        return False

    def popen(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        stdin: int | IO[Any] | None = subprocess.DEVNULL,
        stdout: int | IO[Any] | None = subprocess.PIPE,
        stderr: int | IO[Any] | None = subprocess.PIPE,
    ) -> InsideProcess:
        if not self.is_running:
            raise HostError(f"The plain host {self.name} is not running.")
        namespaces = "--user --mount --pid --uts --ipc --preserve-credentials"
        enter = f"exec nsenter --target {self.init_pid} {namespaces} --"
        return start_inside(enter, command, env=env, stdin=stdin, stdout=stdout, stderr=stderr)

    def run(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        timeout: float = 60,
        check: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        return self.popen(command, env=env).finish(command, timeout, check=check)

    def write(self, path: str, content: str | bytes, mode: int = 0o644) -> None:
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        target.chmod(mode)

    def read(self, path: str) -> str:
        return (self.root / path.lstrip("/")).read_text()

    def add_service(self, service: Service) -> None:
        self._ask({"do": "start", "service": asdict(service)})

    def stop_service(self, name: str) -> None:
        self._ask({"do": "stop", "name": name})

    def restart_service(self, name: str) -> None:
        self._ask({"do": "restart", "name": name})

    def service_pids(self) -> dict[str, int]:
        """The pid inside of each service's process, 0 for one that is down."""
        return self._ask({"do": "status"})

    def stop(self) -> None:
        if self._keeper is not None:
            _let_go(self._keeper)
        elif self.is_running:
            with contextlib.suppress(OSError, ValueError):
                self._ask({"do": "end"})
        deadline = time.monotonic() + 30
        while self.folder.exists():
            if time.monotonic() > deadline:
                raise HostError(f"The plain host {self.name} did not end: {self.folder} is still there.")
            time.sleep(0.02)

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_SECONDS_TO_ANSWER)
            connection.connect(str(self.root / "run/supervisor.sock"))
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile() as lines:
                reply: dict[str, Any] = json.loads(lines.readline())
        if "error" in reply:
            raise HostError(f"The supervisor of {self.name} refused {request}: {reply['error']}")
        return reply


def _wait_for_boot(folder: Path, keeper: subprocess.Popen[bytes], timeout: float) -> int:
    """The pid of the supervisor, a grandchild of the keeper, once it listens."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and keeper.poll() is None and not (folder / "ended").exists():
        with contextlib.suppress(OSError):
            for unshare in _children(keeper.pid):
                for supervisor in _children(unshare):
                    if Path(f"/proc/{supervisor}/root/run/supervisor.sock").exists():
                        return supervisor
        time.sleep(0.05)
    words = ""
    with contextlib.suppress(OSError):
        words = (folder / "boot.log").read_text().strip()
    ended = f"was not up after {timeout:g} s" if time.monotonic() >= deadline else "ended while it booted"
    raise HostError(f"The plain host in {folder} {ended}. {words}".strip())


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _let_go(keeper: subprocess.Popen[bytes]) -> None:
    """Close the lifeline of a host and wait until its keeper has cleared it away."""
    assert keeper.stdin is not None
    with contextlib.suppress(OSError):
        keeper.stdin.close()
    keeper.wait()
