"""A command that runs in a worker host, as a process of this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_WAIT_FOR_START = 'read -r _ <&9; exec "$@" 9<&-'


class HostProcess(subprocess.Popen[bytes]):
    """A running command in a host: `nsenter` here, and in the host the leader of a session of its own.

    `group` is the command's process group by this machine's numbers, or None when the host ended before the
    command could begin. A command that was killed by signal N has the return code -N.
    """

    group: int | None = None

    def kill_group(self) -> None:
        """SIGKILL every process of the command's group, also those that outlived the command itself."""
        if self.group is None:
            self.kill()
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.group, signal.SIGKILL)

    def finish(
        self, command: Sequence[str], timeout: float, *, check: bool
    ) -> subprocess.CompletedProcess[str]:
        """Wait for the command's end and output; one that takes longer is killed, and TimeoutExpired names it."""
        with self:
            try:
                stdout, stderr = self.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                self.kill_group()
                raise subprocess.TimeoutExpired(command, timeout) from None
            except BaseException:
                self.kill_group()
                raise
        done = subprocess.CompletedProcess(
            command, self.returncode, stdout.decode(errors="replace"), stderr.decode(errors="replace")
        )
        if check:
            done.check_returncode()
        return done


def start_in_host(
    enter: str,
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None,
    stdin: int | IO[Any] | None,
    stdout: int | IO[Any] | None,
    stderr: int | IO[Any] | None,
) -> HostProcess:
    """Run the shell words `enter`, which end in `exec nsenter …`, and then `command` in the host.

    The command begins only when its process group is known here: it waits for the end of a pipe. Otherwise the group
    of a short command that leaves a child behind could not be found any more.
    """
    read_end, write_end = os.pipe()
    wait_on_9 = "" if read_end == 9 else f"exec 9<&{read_end} {read_end}<&-; "
    script = f"{wait_on_9}{enter} setsid sh -c '{_WAIT_FOR_START}' command \"$@\""
    try:
        process = HostProcess(
            ["/bin/bash", "-c", script, "enter", *command],
            env={"PATH": SYSTEM_PATH, "LANG": "C.UTF-8", **(env or {})},
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pass_fds=[read_end],
            start_new_session=True,
        )
        process.group = _group_of(process)
    finally:
        os.close(write_end)
        os.close(read_end)
    return process


def _group_of(process: HostProcess) -> int | None:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while process.poll() is None:
        with contextlib.suppress(OSError):
            for child in map(int, children.read_text().split()):
                if os.getpgid(child) == child:
                    return child
        time.sleep(0.001)
    return None
