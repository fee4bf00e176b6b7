"""The fleet: environments, their instances, and the Sidekiq processes on them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final


@dataclass(frozen=True, order=True)
class Environment:
    """One Elastic Beanstalk environment. Its `id` (e-…) is unique; its name may be used again later."""

    name: str
    id: str


@dataclass(frozen=True, order=True)
class Instance:
    """An instance that is there now.

    Attributes:
        running: False while it is still pending, and once it is leaving.
        leaving: it is shutting down or stopping; its jobs may still run, and no command reaches it for certain.
    """

    id: str
    environment: str
    launched_at: datetime
    running: bool = True
    leaving: bool = False


ASLEEP: Final = frozenset({"quiet", "quieting", "stopped"})
"""The states of processes that take no new jobs until they are woken."""


@dataclass(frozen=True)
class Process:
    """One Sidekiq process on a host; `busy` is the number of its running jobs.

    `since`: when it was put to sleep; None where nobody knows, and for `status` only.
    """

    pid: int
    version: str = ""
    tag: str = ""
    busy: int = 0
    state: str = ""
    supervisor: str = ""
    since: datetime | None = None


@dataclass(frozen=True)
class RegionPlan:
    """One region's part of the plan: its matching environments, and the number of instances at the start.

    `unmanaged` is the number of those instances that are not registered with Systems Manager.
    """

    region: str
    environments: tuple[Environment, ...] = ()
    instances: int = 0
    unmanaged: int = 0
