"""A host with nothing but processes: a process namespace and a /run of its own, and an init that reaps."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.command_documents import command_document
from infra.script_source import ScriptSource
from local_aws.hosts.host_process import HostProcess, start_in_host
from tests.patience import eventually

IMITATION = Path(__file__).parent / "imitation.rb"
_INIT = """
mount -t tmpfs -o mode=755 tmpfs /run
trap : CHLD
echo ready
while :; do sleep 3600 & wait $!; done
"""


def sidekiq_program(folder: Path) -> Path:
    """The imitation under the name of the real program."""
    folder.mkdir(exist_ok=True)
    program = folder / "sidekiq"
    program.symlink_to(IMITATION)
    return program


class HostTestError(Exception):
    """A host, or something on it, is not as the test set out to have it."""


@dataclass(frozen=True)
class Answer:
    """How a document's script ended on a host."""

    code: int
    stdout: bytes
    stderr: str
    seconds: float

    @property
    def line(self) -> str:
        """The last line of stdout, as ASCII."""
        return self.stdout.decode("ascii").rstrip("\n").rpartition("\n")[2]

    @property
    def json(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.line)
        return answer

    @property
    def result(self) -> str:
        return str(self.json["result"])

    @property
    def message(self) -> str:
        return str(self.json["message"])

    @property
    def states(self) -> list[str]:
        return sorted(process["state"] for process in self.json["processes"])

    def summary(self) -> tuple[int, str]:
        """Exit code and result. Prints the whole of it for a test that fails."""
        print(self.code, f"{self.seconds:.1f} s", self.stdout, self.stderr, sep="\n")
        return self.code, self.result


class Command:
    """A document's script on a host, run as the agent runs it: by sh, no stdin, killed at its timeout."""

    def __init__(self, process: HostProcess, limit: float) -> None:
        self.process = process
        self._began = time.monotonic()
        self._limit = limit
        self._answer: Answer | None = None
        self._thread = threading.Thread(target=self._wait, daemon=True)
        self._thread.start()

    def _wait(self) -> None:
        try:
            stdout, stderr = self.process.communicate(timeout=self._limit)
        except subprocess.TimeoutExpired:
            self.process.kill_group()
            stdout, stderr = self.process.communicate()
        seconds = time.monotonic() - self._began
        self._answer = Answer(self.process.returncode, stdout, stderr.decode(errors="replace"), seconds)

    @property
    def is_running(self) -> bool:
        return self._answer is None

    def kill(self) -> None:
        """What an agent that dies, or a cancelled command, does to it."""
        self.process.kill_group()
        self._thread.join()

    def answer(self) -> Answer:
        self._thread.join()
        assert self._answer is not None
        return self._answer


class BareHost:
    """See the module's text. Processes on it are started by the tests and end with it."""

    def __init__(self, folder: Path, init_name: str = "init") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        # The name of the first process tells a plain init from something that may start workers again.
        program = folder / init_name
        program.symlink_to("/bin/bash")
        self._keeper = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--mount", "--propagation", "private",
             "--fork", "--mount-proc", "--kill-child=KILL", str(program), "-c", _INIT],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        assert self._keeper.stdout is not None
        if self._keeper.stdout.readline() != b"ready\n":
            raise HostTestError("The process namespace could not be made; that needs root.")
        children = Path(f"/proc/{self._keeper.pid}/task/{self._keeper.pid}/children").read_text().split()
        self.init_pid = int(children[0])
        self._started: list[HostProcess] = []

    def popen(
        self,
        command: Sequence[str],
        env: Mapping[str, str] | None = None,
        stdout: int = subprocess.DEVNULL,
        stderr: int = subprocess.DEVNULL,
    ) -> HostProcess:
        enter = f"exec nsenter --target {self.init_pid} --pid --mount --"
        process = start_in_host(
            enter, command, env=env, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr
        )
        self._started.append(process)
        return process

    def run(self, command: Sequence[str], env: Mapping[str, str] | None = None, timeout: float = 60) -> str:
        """What the command prints; it must succeed."""
        process = self.popen(command, env, subprocess.PIPE, subprocess.PIPE)
        stdout, stderr = process.communicate(timeout=timeout)
        if process.returncode:
            raise HostTestError(
                f"{command} ended with {process.returncode}: {stderr.decode(errors='replace')}"
            )
        return stdout.decode(errors="replace")

    def imitate(self, **settings: object) -> HostProcess:
        """Start an imitated Sidekiq process; imitation.rb tells the settings. Events go to events()."""
        # The shell keeps what waits for it outside from being stopped together with it.
        return self.popen(["sh", "-c", '"$@"; exit $?', "sh", *self.imitation(**settings)])

    def imitation(self, **settings: object) -> list[str]:
        """The command line of an imitated Sidekiq process."""
        words = [f"{name}={value}" for name, value in {"log": self.folder / "events", **settings}.items()]
        return ["ruby", str(IMITATION), *words]

    def events(self) -> list[tuple[int, str]]:
        """What imitated processes have done and been sent: (pid, event), in order."""
        with contextlib.suppress(FileNotFoundError):
            lines = (self.folder / "events").read_text().splitlines()
            return [(int(pid), event) for pid, _, event in (line.partition(" ") for line in lines)]
        return []

    def signals(self, pid: int) -> list[str]:
        return [event for process, event in self.events() if process == pid and event.isupper()]

    def titles(self) -> dict[int, str]:
        """The command line of every process of the host by its number there."""
        found = {}
        for folder in self._proc().glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if line := (folder / "cmdline").read_bytes():
                    found[int(folder.name)] = line.rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")
        return found

    def workers(self) -> dict[int, str]:
        return {pid: title for pid, title in self.titles().items() if title.startswith("sidekiq ")}

    def state(self, pid: int) -> str:
        """The state letter of a process, or "" when it is gone."""
        with contextlib.suppress(OSError):
            return (
                (self._proc() / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
            )
        return ""

    def kill(self, pid: int, number: signal.Signals) -> None:
        self.run(["/bin/kill", f"-{number.name.removeprefix('SIG')}", str(pid)])

    def wait_for_workers(self, count: int) -> list[int]:
        """The numbers of the host's titled processes once there are so many."""
        eventually(
            lambda: len(self.workers()) == count, lambda: f"{count} workers, there are {self.workers()}"
        )
        return sorted(self.workers())

    def start(
        self,
        action: str,
        limit: int = 600,
        runner: Sequence[str] = ("sh", "-c"),
        source: ScriptSource | None = None,
        launchers: Sequence[str] = (),
        run: str = "",
    ) -> Command:
        """Start an action's document on the host; `limit` is its executionTimeout, and `run` its parameter."""
        script = self.folder / f"script-{time.monotonic_ns()}.sh"
        lines = command_document(action, source, launchers)["mainSteps"][-1]["inputs"]["runCommand"]
        script.write_text(
            "\n".join(lines).replace("{{ executionTimeout }}", str(limit)).replace("{{ run }}", run)
        )
        script.chmod(0o700)
        process = self.popen(
            ["env", "-i", *runner, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        return Command(process, limit)

    def ask(self, action: str, limit: int = 600, run: str = "") -> Answer:
        return self.start(action, limit, run=run).answer()

    def quiet_and_end(self, pid: int) -> Command:
        """Start quiet, and end this worker as soon as its title says that it is quieted."""
        command = self.start("quiet")
        eventually(lambda: "stopping" in self.workers().get(pid, ""), "it is quieted")
        self.kill(pid, signal.SIGTERM)
        return command

    def exists(self, pattern: str) -> bool:
        """Whether the host has a file of this absolute name (or pattern)."""
        return any(Path(f"/proc/{self.init_pid}/root").glob(pattern.lstrip("/")))

    def log(self) -> str:
        """What commands have written for people on the host."""
        return Path(f"/proc/{self.init_pid}/root/run/snow-white/log").read_text()

    def install(self, name: str, program: str) -> None:
        """Put a program on this host's PATH; the machine's own files stay as they are."""
        self.run(["sh", "-c", "mountpoint -q /usr/local/sbin || mount -t tmpfs tmpfs /usr/local/sbin"])
        path = Path(f"/proc/{self.init_pid}/root/usr/local/sbin/{name}")
        path.write_text(program)
        path.chmod(0o755)

    def _proc(self) -> Path:
        return Path(f"/proc/{self.init_pid}/root/proc")

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.init_pid, signal.SIGKILL)
        for process in self._started:
            # It stops when what it started is stopped; then it would not notice the end and hold up the host's.
            process.kill()
        self._keeper.wait()
        assert self._keeper.stdout is not None
        self._keeper.stdout.close()
        for process in self._started:
            with contextlib.suppress(ValueError):
                process.communicate()

    def __enter__(self) -> BareHost:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
