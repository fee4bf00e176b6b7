"""Running one aws:runShellScript step on a host, the way the SSM agent runs it."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import IO

from local_aws.agent.document import Step
from local_aws.agent.result import StepOutcome
from local_aws.hosts.host import Host
from local_aws.hosts.host_process import HostProcess

STORED_BYTES = 24_000
KILLED = 137
AGENT_WORKING_DIRECTORY = "/usr/bin"
_POLL_SECONDS = 0.1


def run_shell(
    host: Host, step: Step, folder: str, environment: Mapping[str, str], cancelled: threading.Event
) -> StepOutcome:
    """Write the step's script into `folder` on the host, run it with `sh -c`, and wait until it ends.

    At the step's timeout, and on `cancelled`, the script's process group gets SIGKILL, with no warning.
    The step is over when both output streams are closed: a background child that holds one keeps it open.
    """
    path = f"{folder}/_script.sh"
    host.write(path, step.script, mode=0o700)
    # `exec` replaces the shell that changes the directory by the one that the agent starts.
    enter = 'cd "$1" 2>/dev/null || cd "$2" || exit 1; exec sh -c "$3"'
    wanted = step.working_directory or ""
    where = wanted if wanted.startswith("/") else AGENT_WORKING_DIRECTORY
    process = host.popen(["sh", "-c", enter, "sh", where, AGENT_WORKING_DIRECTORY, path], env=environment)
    streams = _FirstBytes(process.stdout), _FirstBytes(process.stderr)
    was_cancelled = _wait(process, streams, step.timeout, cancelled)
    code = process.wait()
    return StepOutcome(
        code=128 - code if code < 0 else code,
        stdout=streams[0].content,
        stderr=streams[1].content,
        was_cancelled=was_cancelled,
    )


def _wait(
    process: HostProcess,
    streams: tuple[_FirstBytes, _FirstBytes],
    timeout: float,
    cancelled: threading.Event,
) -> bool:
    """Wait for the end of both streams; returns whether the step was cancelled before."""
    deadline = time.monotonic() + timeout
    for stream in streams:
        while not stream.ended.wait(_POLL_SECONDS):
            if cancelled.is_set() or time.monotonic() > deadline:
                was_cancelled = cancelled.is_set()
                process.kill_group()
                for each in streams:
                    each.ended.wait()
                return was_cancelled
    return False


class _FirstBytes:
    """Reads a stream to its end in a thread of its own, and stores only its first bytes."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        assert stream is not None
        self.ended = threading.Event()
        self._stream = stream
        self._content = bytearray()
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def content(self) -> bytes:
        return bytes(self._content)

    def _read(self) -> None:
        with self._stream:
            while chunk := self._stream.read1(65536):  # type: ignore[attr-defined]
                self._content += chunk[: STORED_BYTES - len(self._content)]
        self.ended.set()
