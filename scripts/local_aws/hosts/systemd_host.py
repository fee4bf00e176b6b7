"""A throw-away worker host: a real systemd as the first process of its own namespaces.

Nothing is installed or built for it. Its root is an overlay of the machine's own `/`, kept on a tmpfs; its cgroups
are its own; it shares the machine's network unless told otherwise. It needs root. One boots in less than a second,
dozens run side by side, and all end with the process that started them, in whatever way that ends.

    with SystemdHost.start(tmp_path / "host") as host:
        host.add_service(Service("worker", ["/usr/bin/sidekiq", "-r", "/var/app/current/app.rb"]))
        print(host.run(["systemctl", "is-active", "worker.service"]).stdout)

and from any other process, while the first one runs:

    SystemdHost.attach(tmp_path / "host").run(["systemctl", "restart", "worker.service"])
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import uuid
from pathlib import Path
from typing import Literal, Self

from local_aws.hosts.booting import boot, read_state, write_state
from local_aws.hosts.host import Host, HostError, HostKind, Service
from local_aws.processes.child_process import ChildProcess

_MONITOR = Path(__file__).parent / "boot" / "systemd_host.sh"
_SYSTEMD = Path("/lib/systemd/systemd")
_NEEDED_PROGRAMS = ("unshare", "nsenter", "setpriv", "pivot_root", "mount", "hostname", "setsid")
Network = Literal["shared", "private"]


def why_impossible() -> str | None:
    """A sentence that says why this machine cannot boot a systemd host, or None when it can."""
    if os.geteuid() != 0:
        return "a systemd worker host needs root"
    if not _SYSTEMD.exists():
        return f"{_SYSTEMD} is not installed (Debian package: systemd)"
    missing = [program for program in _NEEDED_PROGRAMS if shutil.which(program) is None]
    if missing:
        return f"programs are missing: {', '.join(missing)} (Debian packages: util-linux, mount, hostname)"
    if _writable_cgroup2() is None:
        return "no writable cgroup2 is mounted"
    return None


class SystemdHost(Host):
    """A running host; see the module's text."""

    kind = HostKind.SYSTEMD

    def __init__(
        self, folder: Path, name: str, cgroup: Path, init_pid: int, monitor: ChildProcess | None
    ) -> None:
        super().__init__(folder, name, init_pid, monitor)
        self.cgroup = cgroup

    @classmethod
    def start(
        cls, folder: Path, *, name: str = "worker-host", network: Network = "shared", timeout: float = 300
    ) -> Self:
        """Boot a host and wait until it has reached multi-user.target.

        `folder` must not exist yet; it belongs to the host and is removed with it. `name` becomes the host name.
        `network`: "shared" reaches the machine's 127.0.0.1; "private" has only a loopback of its own.
        HostError with the last lines of the boot when it is not up after `timeout` seconds.
        """
        if reason := why_impossible():
            raise HostError(f"The worker host {name} cannot be booted: {reason}.")
        root = _writable_cgroup2()
        assert root is not None
        (folder / "stage").mkdir(parents=True)
        folder = folder.resolve()
        cgroup = root / f"worker-host-{name}-{uuid.uuid4().hex[:8]}"
        cgroup.mkdir()
        command = ["bash", str(_MONITOR), str(folder), str(cgroup), network, name]
        monitor, init_pid = boot(command, folder, timeout, lambda _monitor: _booted_systemd(folder))
        _move_parent_out(init_pid, root)
        (cgroup / "commands").mkdir(exist_ok=True)
        write_state(folder, name=name, cgroup=str(cgroup), init_pid=init_pid)
        return cls(folder, name, cgroup, init_pid, monitor)

    @classmethod
    def attach(cls, folder: Path) -> Self:
        """The running host that another process started in `folder`; it goes on when this process ends."""
        state = read_state(folder)
        return cls(folder.resolve(), state["name"], Path(state["cgroup"]), state["init_pid"], None)

    def _is_up(self) -> bool:
        try:
            return "populated 1" in (self.cgroup / "cgroup.events").read_text() and self.root.exists()
        except OSError:
            return False

    def _enter_command(self) -> str:
        # The command's cgroup is `/commands` of the host, so that the end of the host ends the command too.
        members = shlex.quote(str(self.cgroup / "commands" / "cgroup.procs"))
        return f"echo $$ >{members}; exec nsenter --target {self.init_pid} --all --"

    def add_service(self, service: Service) -> None:
        self.write(f"/etc/systemd/system/{service.name}.service", unit_text(service))
        self.run(["systemctl", "daemon-reload"], check=True)
        self.run(["systemctl", "enable", "--quiet", f"{service.name}.service"], check=True)
        self.restart_service(service.name)

    def stop_service(self, name: str) -> None:
        self.run(["systemctl", "stop", f"{name}.service"], timeout=300, check=True)

    def restart_service(self, name: str) -> None:
        self.run(["systemctl", "restart", f"{name}.service"], timeout=300, check=True)

    def _kill(self) -> None:
        with contextlib.suppress(OSError):
            (self.cgroup / "cgroup.kill").write_text("1")


def unit_text(service: Service) -> str:
    """The systemd unit of a service, with the settings that Elastic Beanstalk gives a Procfile's program."""
    environment = "".join(
        f"Environment={_quoted(f'{key}={value}')}\n" for key, value in sorted(service.environment.items())
    )
    command = " ".join(_quoted(word).replace("$", "$$") for word in service.command)
    return (
        f"[Unit]\nDescription={service.name}\nStartLimitIntervalSec=0\n\n"
        f"[Service]\nExecStart={command}\n"
        f"WorkingDirectory={service.working_directory}\n{environment}"
        f"Restart={service.restart}\nRestartSec=1\nTimeoutStopSec={service.stop_timeout:g}\n\n"
        "[Install]\nWantedBy=multi-user.target\n"
    )


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _writable_cgroup2() -> Path | None:
    """Where a writable cgroup2 is: /sys/fs/cgroup, or /sys/fs/cgroup/unified on a hybrid machine."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, where, kind, options, *_ = line.split()
        if kind == "cgroup2" and "rw" in options.split(",") and os.access(where, os.W_OK):
            return Path(where)
    return None


def _booted_systemd(folder: Path) -> int | None:
    """The pid of the host's systemd once it is up. The last unit to start makes a file in /run."""
    pid = int((folder / "init.pid").read_text())
    return pid if Path(f"/proc/{pid}/root/run/worker-host-booted").exists() else None


def _move_parent_out(init_pid: int, outside: Path) -> None:
    """Move `unshare`, the parent of the host's systemd, out of the host's cgroup into `outside`.

    It then survives the killing of that cgroup and reaps systemd. Otherwise systemd would stay a zombie on a machine
    whose PID 1 reaps no orphans.
    """
    parent = Path(f"/proc/{init_pid}/stat").read_text().rpartition(")")[2].split()[1]
    with contextlib.suppress(OSError):
        (outside / "cgroup.procs").write_text(parent)
