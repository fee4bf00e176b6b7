"""Which kind of host this machine can have: a real systemd, or the fallback, which the log names as such."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from local_aws.hosts import systemd_host as worker_host
from local_aws.hosts.host import Host, HostError
from local_aws.hosts.plain_host import PlainHost
from local_aws.hosts.systemd_host import WorkerHost

_logger = logging.getLogger(__name__)


def start_host(folder: Path, name: str) -> Host:
    """A host with a real systemd; where the machine cannot have one, the fallback, and the log says so."""
    reason = worker_host.why_impossible()
    if reason is None:
        return WorkerHost.start(folder, name=name)
    _logger.warning("%s is a plain host, the fallback without systemd: %s.", name, reason)
    return PlainHost.start(folder, name=name)


def attach_host(folder: Path) -> Host:
    """The running host of a folder, whichever kind it is; HostError when there is none."""
    try:
        state = json.loads((folder / "host.json").read_text())
    except FileNotFoundError:
        raise HostError(f"There is no running host in {folder}.") from None
    return WorkerHost.attach(folder) if "cgroup" in state else PlainHost.attach(folder)
