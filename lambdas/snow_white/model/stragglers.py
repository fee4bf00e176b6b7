"""Who is still being waited for, as far as it is known: carried in the run's state from poll to poll."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Straggler:
    """An instance that has not ended its command. `jobs` that still run there; None: it did not say."""

    region: str = ""
    environment: str = ""
    instance: str = ""
    jobs: int | None = None


@dataclass(frozen=True)
class Stragglers:
    """What is known of the instances that take long.

    Attributes:
        commands: by region, the status command sent to some of them, while its answers are awaited.
        asked_at: when that command was sent.
        listed: what the last answers said, those with the most jobs first.
        more: how many others were still being waited for.
        known_at: when that was so; None before the first answers.
    """

    commands: Mapping[str, str] = field(default_factory=dict)
    asked_at: datetime | None = None
    listed: tuple[Straggler, ...] = ()
    more: int = 0
    known_at: datetime | None = None
