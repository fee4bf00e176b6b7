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
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from local_aws.hosts.host import Host, HostError, HostKind, Service, boot

_KEEPER = Path(__file__).parent / "boot" / "plain.sh"
_SECONDS_TO_ANSWER = 300


class PlainHost(Host):
    """See the module's text."""

    kind = HostKind.PLAIN

    @classmethod
    def start(cls, folder: Path, *, name: str = "worker-host", timeout: float = 60) -> PlainHost:
        """Make a host in `folder`, which must not exist yet and is removed with it.

        HostError with the last words of the boot when it is not up after `timeout` seconds.
        """
        (folder / "stage").mkdir(parents=True)
        folder = folder.resolve()
        command = ["bash", str(_KEEPER), "keep", str(folder), name, str(Path(sys.executable).resolve())]
        keeper, init_pid = boot(command, folder, timeout, _listening_supervisor)
        host = cls(folder, name, init_pid)
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

    def _is_up(self) -> bool:
        with contextlib.suppress(OSError):
            return (self.root / "run/supervisor.sock").exists()
        return False

    def _enter(self) -> str:
        namespaces = "--user --mount --pid --uts --ipc --preserve-credentials"
        return f"exec nsenter --target {self.init_pid} {namespaces} --"

    def add_service(self, service: Service) -> None:
        self._ask({"do": "start", "service": asdict(service)})

    def stop_service(self, name: str) -> None:
        self._ask({"do": "stop", "name": name})

    def restart_service(self, name: str) -> None:
        self._ask({"do": "restart", "name": name})

    def service_pids(self) -> dict[str, int]:
        """The pid inside of each service's process, 0 for one that is down."""
        return self._ask({"do": "status"})

    def _kill(self) -> None:
        if self._keeper is None:  # whose lifeline another process holds
            with contextlib.suppress(OSError, ValueError):
                self._ask({"do": "end"})

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


def _listening_supervisor(keeper: int) -> int | None:
    """The pid of the supervisor, a grandchild of the keeper, once it listens."""
    for unshare in _children(keeper):
        for supervisor in _children(unshare):
            if Path(f"/proc/{supervisor}/root/run/supervisor.sock").exists():
                return supervisor
    return None


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
