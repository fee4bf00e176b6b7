"""Booting a host by its monitor process, and the state file by which another process attaches to it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from local_aws.hosts.host import HostError
from local_aws.processes.child_process import ChildProcess
from local_aws.processes.waiting import wait_for

_STATE_FILE: Final = "host.json"


def boot(
    command: Sequence[str], folder: Path, timeout: float, first_process: Callable[[int], int | None]
) -> tuple[ChildProcess, int]:
    """Start the monitor of a host, and wait until the host is up; returns it and the host's first process.

    `first_process` gets the monitor's pid; it returns None, or raises OSError or ValueError, until the host is up.
    Raises HostError with the last lines of the boot when that takes longer than `timeout` seconds.
    """
    monitor = ChildProcess(command)
    try:
        return monitor, _wait_for_boot(monitor, folder, timeout, first_process)
    except BaseException:
        monitor.end()
        raise


def _wait_for_boot(
    monitor: ChildProcess, folder: Path, timeout: float, first_process: Callable[[int], int | None]
) -> int:
    has_ended = -1

    def pid_or_end() -> int | None:
        with contextlib.suppress(OSError, ValueError):
            if pid := first_process(monitor.pid):
                return pid
        return has_ended if monitor.has_ended or (folder / "ended").exists() else None

    pid = wait_for(pid_or_end, timeout, poll_seconds=0.05)
    if pid is not None and pid != has_ended:
        return pid
    log = ""
    with contextlib.suppress(OSError):
        log = (folder / "boot.log").read_text().strip()
    what = "ended while it booted" if pid == has_ended else f"was not up after {timeout:g} s"
    raise HostError(f"The host in {folder} {what}. {log}".strip())


def write_state(folder: Path, **state: str | int) -> None:
    """Publish what another process needs to attach to the host of the folder."""
    (folder / _STATE_FILE).write_text(json.dumps(state))


def read_state(folder: Path) -> dict[str, Any]:
    """What `write_state` wrote. Raises HostError when no host runs in the folder."""
    try:
        state: dict[str, Any] = json.loads((folder / _STATE_FILE).read_text())
    except FileNotFoundError:
        raise HostError(f"There is no running host in {folder}.") from None
    return state
