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
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self

from local_aws.host import HostError, HostKind, Service
from local_aws.inside import InsideProcess, start_inside

KEEPER = Path(__file__).parent / "host_boot" / "keep.sh"
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


class WorkerHost:
    """See the module's text. The interface is `local_aws.host.Host`."""

    kind = HostKind.SYSTEMD

    def __init__(self, folder: Path, name: str, cgroup: Path, init_pid: int) -> None:
        self.folder = folder
        self.name = name
        self.cgroup = cgroup
        self.init_pid = init_pid
        self._keeper: subprocess.Popen[bytes] | None = None

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
        keeper = subprocess.Popen(
            ["bash", str(KEEPER), str(folder.resolve()), str(cgroup), network, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            host = cls(folder.resolve(), name, cgroup, _wait_for_boot(folder, keeper, timeout))
        except BaseException:
            _let_go(keeper)
            raise
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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def root(self) -> Path:
        """The host's file system as this machine's root sees it. Absolute links inside lead out of it."""
        return Path(f"/proc/{self.init_pid}/root")

    @property
    def is_running(self) -> bool:
        try:
            return "populated 1" in (self.cgroup / "cgroup.events").read_text() and self.root.exists()
        except OSError:
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
        """Start a command inside. Its cgroup is `/commands` of the host, so the host's end is its end too."""
        if not self.is_running:
            raise HostError(f"The worker host {self.name} is not running.")
        members = shlex.quote(str(self.cgroup / "commands" / "cgroup.procs"))
        enter = f"echo $$ >{members}; exec nsenter --target {self.init_pid} --all --"
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
        self.write(f"/etc/systemd/system/{service.name}.service", unit_text(service))
        self.run(["systemctl", "daemon-reload"], check=True)
        self.run(["systemctl", "enable", "--quiet", f"{service.name}.service"], check=True)
        self.restart_service(service.name)

    def stop_service(self, name: str) -> None:
        self.run(["systemctl", "stop", f"{name}.service"], timeout=300, check=True)

    def restart_service(self, name: str) -> None:
        self.run(["systemctl", "restart", f"{name}.service"], timeout=300, check=True)

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            (self.cgroup / "cgroup.kill").write_text("1")
        if self._keeper is not None:
            _let_go(self._keeper)
        deadline = time.monotonic() + 30
        while self.cgroup.exists() or self.folder.exists():
            if time.monotonic() > deadline:
                raise HostError(f"The worker host {self.name} did not end: {self.cgroup} is still there.")
            time.sleep(0.02)


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


def _wait_for_boot(folder: Path, keeper: subprocess.Popen[bytes], timeout: float) -> int:
    """The pid of the host's systemd once it is up. The last unit to start leaves a mark in /run."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and keeper.poll() is None and not (folder / "ended").exists():
        with contextlib.suppress(OSError, ValueError):
            pid = int((folder / "init.pid").read_text())
            if Path(f"/proc/{pid}/root/run/worker-host-booted").exists():
                return pid
        time.sleep(0.05)
    words = ""
    with contextlib.suppress(OSError):
        words = (folder / "boot.log").read_text().strip()
    ended = f"was not up after {timeout:g} s" if time.monotonic() >= deadline else "ended while it booted"
    raise HostError(f"The worker host in {folder} {ended}. {words}".strip())


def _let_go(keeper: subprocess.Popen[bytes]) -> None:
    """Close the lifeline of a host and wait until its keeper has cleared it away."""
    assert keeper.stdin is not None
    with contextlib.suppress(OSError):
        keeper.stdin.close()
    keeper.wait()
