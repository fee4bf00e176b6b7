"""Renewing confirmations while other instances still work, so that none is stale when the last one ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from snow_white.model.durations import MIN_TIMEOUT_SECONDS
from snow_white.model.run import Run
from snow_white.steps.pacing import RENEWED_MEANWHILE_SECONDS, seconds_to_wait

# A minute less than a confirmation stays fresh, because those of the last minute are left out, and again a minute less
# for the proof and its way.
_RENEWED_EVERY: Final = timedelta(minutes=3)


def renews_meanwhile(run: Run, now: datetime) -> bool:
    """Whether it is time for a renewal: the poll after the next one would be too late for it."""
    began = run.dispatched_at
    if began is None or not run.request.action.drains or not run.progress.confirmed:
        return False
    left, elapsed = run.seconds_left(now), now - began
    wait = timedelta(seconds=seconds_to_wait(elapsed.total_seconds(), left))
    return (
        elapsed.total_seconds() <= RENEWED_MEANWHILE_SECONDS
        and left >= MIN_TIMEOUT_SECONDS
        and run.renewed_at is None
        and now + wait - (run.renewed_meanwhile_at or began) > _RENEWED_EVERY
    )
