"""A lease: the time at which the workers that a run puts to sleep are woken if nobody has done it before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Lease:
    """What was arranged. `failure` is a sentence that says why there will be no wake; "" if there will be one."""

    wakes_at: datetime | None = None
    failure: str = ""


def wake_time(now: datetime, seconds: int) -> datetime:
    """So many seconds from now, or up to a minute later: a schedule is precise to the minute."""
    return whole_minute(now + timedelta(seconds=seconds))


def whole_minute(at: datetime) -> datetime:
    """That time, or the next whole minute."""
    whole = at.replace(second=0, microsecond=0)
    return whole if whole == at else whole + timedelta(minutes=1)
