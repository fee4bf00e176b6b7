"""A throw-away worker host: a real systemd as the first process of its own namespaces.

Nothing is installed or built for it. Its root is an overlay of the machine's own `/`, kept on a tmpfs, its
cgroups are its own, and it shares the machine's network unless told otherwise. It needs root. One boots in
less than a second, dozens run side by side, and all end with the process that started them, however it ends.

    with WorkerHost.start(tmp_path / "host") as host:
        host.add_service(Service("worker", ["/usr/bin/sidekiq", "-r", "/var/app/current/app.rb"]))
        print(host.run(["systemctl", "is-active", "worker.service"]).stdout)

and from any other process, while the first one lives:

    WorkerHost.attach(tmp_path / "host").run(["systemctl", "restart", "worker.service"])
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import uuid
from pathlib import Path
from typing import Literal

from local_aws.hosts.host import Host, HostError, HostKind, Service, boot

KEEPER = Path(__file__).parent / "boot" / "keep.sh"
SYSTEMD = Path("/lib/systemd/systemd")
NEEDED_PROGRAMS = ("unshare", "nsenter", "setpriv", "pivot_root", "mount", "hostname", "setsid")
Network = Literal["shared", "private"]


def why_impossible() -> str | None:
    """A sentence that says why this machine cannot boot a systemd host, or None when it can."""
    if os.geteuid() != 0:
        return "a systemd worker host needs root"
    if not SYSTEMD.exists():
        return f"{SYSTEMD} is not installed (Debian package: systemd)"
    missing = [program for program in NEEDED_PROGRAMS if shutil.which(program) is None]
    if missing:
        return f"programs are missing: {', '.join(missing)} (Debian packages: util-linux, mount, hostname)"
    if _writable_cgroup2() is None:
        return "no writable cgroup2 is mounted"
    return None


class WorkerHost(Host):
    """See the module's text."""

    kind = HostKind.SYSTEMD

    def __init__(self, folder: Path, name: str, cgroup: Path, init_pid: int) -> None:
        super().__init__(folder, name, init_pid)
        self.cgroup = cgroup

    @classmethod
    def start(
        cls, folder: Path, *, name: str = "worker-host", network: Network = "shared", timeout: float = 60
    ) -> WorkerHost:
        """Boot a host and wait until it has reached multi-user.target.

        `folder` must not exist yet; it is the host's own, and removed with it. `name` becomes the host name.
        `network`: "shared" reaches the machine's 127.0.0.1, "private" has its own loopback, nothing else.
        HostError with the boot's last words when it is not up after `timeout` seconds.
        """
        if reason := why_impossible():
            raise HostError(f"The worker host {name} cannot be booted: {reason}.")
        root = _writable_cgroup2()
        assert root is not None
        (folder / "stage").mkdir(parents=True)
        cgroup = root / f"worker-host-{name}-{uuid.uuid4().hex[:8]}"
        cgroup.mkdir()
        command = ["bash", str(KEEPER), str(folder.resolve()), str(cgroup), network, name]
        keeper, init_pid = boot(command, folder, timeout, lambda _keeper: _booted_systemd(folder))
        host = cls(folder.resolve(), name, cgroup, init_pid)
        host._keeper = keeper
        host._spare_the_reaper(root)
        (cgroup / "commands").mkdir(exist_ok=True)
        state = {"name": name, "cgroup": str(cgroup), "init_pid": host.init_pid}
        (folder / "host.json").write_text(json.dumps(state))
        return host

    @classmethod
    def attach(cls, folder: Path) -> WorkerHost:
        """The running host that another process started in `folder`; it keeps living when this one ends."""
        try:
            state = json.loads((folder / "host.json").read_text())
        except FileNotFoundError:
            raise HostError(f"There is no running worker host in {folder}.") from None
        return cls(folder.resolve(), state["name"], Path(state["cgroup"]), state["init_pid"])

    def _spare_the_reaper(self, outside: Path) -> None:
        """Move `unshare`, the parent of the host's systemd, out of the host's cgroup.

        Killing the cgroup then leaves it alive to reap systemd; else a zombie would stay where PID 1 reaps nobody.
        """
        parent = Path(f"/proc/{self.init_pid}/stat").read_text().rpartition(")")[2].split()[1]
        with contextlib.suppress(OSError):
            (outside / "cgroup.procs").write_text(parent)

    def _is_up(self) -> bool:
        try:
            return "populated 1" in (self.cgroup / "cgroup.events").read_text() and self.root.exists()
        except OSError:
            return False

    def _enter(self) -> str:
        # Its cgroup is `/commands` of the host, so the host's end is the command's end too.
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
    """The pid of the host's systemd once it is up. The last unit to start leaves a mark in /run."""
    pid = int((folder / "init.pid").read_text())
    return pid if Path(f"/proc/{pid}/root/run/worker-host-booted").exists() else None
