"""The stragglers: instances whose command has not ended, with the jobs that they still run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Straggler:
    """An instance whose command has not ended. `jobs`: the number of its running jobs; None if it is not known."""

    region: str = ""
    environment: str = ""
    instance: str = ""
    jobs: int | None = None


@dataclass(frozen=True)
class Stragglers:
    """The stragglers of a run.

    Attributes:
        commands: by region, the id of the status command that asks some of them; empty when none is pending.
        asked_at: when that command was sent.
        listed: the stragglers that answered, those with the most jobs first.
        more: the number of the other stragglers.
        unanswered: by instance id, since when its status commands have gone without an answer.
        lost: ids of instances on which no command of the run is at work, although Run Command shows one.
        known_at: the time of the answers; None before the first ones.
    """

    commands: Mapping[str, str] = field(default_factory=dict)
    asked_at: datetime | None = None
    listed: tuple[Straggler, ...] = ()
    more: int = 0
    unanswered: Mapping[str, datetime] = field(default_factory=dict)
    lost: tuple[str, ...] = ()
    known_at: datetime | None = None
