"""What a run is about: environments, their instances, and the Sidekiq processes on them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, order=True)
class Environment:
    """One Elastic Beanstalk environment; its `id` (e-…) is never used twice, its name may be."""

    name: str
    id: str


@dataclass(frozen=True, order=True)
class Instance:
    """An instance that is there now: `running`, or still pending and about to run."""

    id: str
    environment: str
    launched_at: datetime
    running: bool = True


@dataclass(frozen=True)
class Process:
    """One Sidekiq process of a host; `busy` counts its jobs."""

    pid: int
    version: str = ""
    tag: str = ""
    busy: int = 0
    state: str = ""
    supervisor: str = ""


@dataclass(frozen=True)
class RegionPlan:
    """One region's part of a run: its matching environments, and what was found there at the start."""

    region: str
    environments: tuple[Environment, ...] = ()
    instances: int = 0
    unmanaged: int = 0
