"""Which kind of host this machine can have: one with a real systemd, or the fallback, which the log names as such."""

from __future__ import annotations

import logging
from pathlib import Path

from local_aws.hosts.booting import read_state
from local_aws.hosts.host import Host
from local_aws.hosts.plain_host import PlainHost
from local_aws.hosts.systemd_host import SystemdHost, why_impossible

_logger = logging.getLogger(__name__)


def start_host(folder: Path, name: str) -> Host:
    """Start a host with a real systemd; where the machine cannot have one, the fallback, with a warning in the log."""
    reason = why_impossible()
    if reason is None:
        return SystemdHost.start(folder, name=name)
    _logger.warning("%s is a plain host, the fallback without systemd: %s.", name, reason)
    return PlainHost.start(folder, name=name)


def attach_host(folder: Path) -> Host:
    """The running host of a folder, whichever kind it is; HostError when there is none."""
    kind = SystemdHost if "cgroup" in read_state(folder) else PlainHost
    return kind.attach(folder)
