"""A worker host without root and without systemd, the fallback: a PID namespace with a small supervisor.

It has the interface of `SystemdHost` and behaves like it as far as Sidekiq and Run Command can see: processes of
its own, a user that is root inside, a host name, files of its own under /var, /run, /tmp and /root, services that
are restarted whenever they end. It has no systemd and no cgroup of its own, so that a script finds no unit behind
a process. /etc and /usr are the machine's and read-only, and the network is the machine's.

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
from typing import Any, Self

from local_aws.hosts.booting import boot, read_state, write_state
from local_aws.hosts.host import Host, HostError, HostKind, Service

_MONITOR = Path(__file__).parent / "boot" / "plain_host.sh"
_SOCKET = "run/supervisor.sock"
_ANSWER_SECONDS = 300


class PlainHost(Host):
    """A running host; see the module's text."""

    kind = HostKind.PLAIN

    @classmethod
    def start(cls, folder: Path, *, name: str = "worker-host", timeout: float = 60) -> Self:
        """Boot a host in `folder`, which must not exist yet and is removed with it.

        HostError with the last lines of the boot when it is not up after `timeout` seconds.
        """
        (folder / "stage").mkdir(parents=True)
        folder = folder.resolve()
        command = ["bash", str(_MONITOR), "monitor", str(folder), name, str(Path(sys.executable).resolve())]
        monitor, init_pid = boot(command, folder, timeout, _listening_supervisor)
        write_state(folder, name=name, init_pid=init_pid)
        return cls(folder, name, init_pid, monitor)

    @classmethod
    def attach(cls, folder: Path) -> Self:
        """The running host that another process started in `folder`; it goes on when this process ends."""
        state = read_state(folder)
        return cls(folder.resolve(), state["name"], state["init_pid"], None)

    def _is_up(self) -> bool:
        with contextlib.suppress(OSError):
            return (self.root / _SOCKET).exists()
        return False

    def _enter_command(self) -> str:
        namespaces = "--user --mount --pid --uts --ipc --preserve-credentials"
        return f"exec nsenter --target {self.init_pid} {namespaces} --"

    def add_service(self, service: Service) -> None:
        self._request("start", service=asdict(service))

    def stop_service(self, name: str) -> None:
        self._request("stop", name=name)

    def restart_service(self, name: str) -> None:
        self._request("restart", name=name)

    def service_pids(self) -> dict[str, int]:
        """The pid inside of each service's process, 0 for one that is down."""
        return self._request("status")

    def _kill(self) -> None:
        if self._monitor is None:  # the supervisor's standard input is held by another process
            with contextlib.suppress(OSError, ValueError):
                self._request("end")

    def _request(self, action: str, **arguments: Any) -> dict[str, Any]:
        request = {"action": action, **arguments}
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_ANSWER_SECONDS)
            connection.connect(str(self.root / _SOCKET))
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile() as lines:
                reply: dict[str, Any] = json.loads(lines.readline())
        if "error" in reply:
            raise HostError(f"The supervisor of {self.name} refused {request}: {reply['error']}")
        return reply


def _listening_supervisor(monitor: int) -> int | None:
    """The pid of the supervisor, a grandchild of the monitor, once it listens."""
    for unshare in _children(monitor):
        for supervisor in _children(unshare):
            if Path(f"/proc/{supervisor}/root/{_SOCKET}").exists():
                return supervisor
    return None


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
