"""Asking those that were confirmed while others still work, so that nothing is stale when the last one ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from snow_white.aws import run_command
from snow_white.aws.regions import Regions, in_each
from snow_white.judgement.assessment import Assessment
from snow_white.judgement.rechecks import is_recheckable
from snow_white.model.action import Action
from snow_white.model.durations import MIN_TIMEOUT_SECONDS
from snow_white.model.run import Run
from snow_white.steps.pacing import RECHECKED_SECONDS, seconds_to_wait

# Less than a confirmation stays fresh, by what the proof and its way take.
_RECHECKED_EVERY: Final = timedelta(seconds=250)
# A dispatch that died has sent some already.
_SENT_LATELY: Final = timedelta(seconds=90)
# Of more in one region, SSM's rates would let a recheck take minutes; of more in all, it costs more than the task that
# would have waited in its place.
_MOST_INSTANCES: Final = 2_000


def recheck_is_due(run: Run, now: datetime) -> bool:
    """Whether it is time for a recheck: the poll after the next one would be too late for it."""
    began = run.dispatched_at
    if began is None or not run.request.action.drains or not run.progress.confirmed:
        return False
    left, elapsed = run.seconds_left(now), now - began
    wait = timedelta(seconds=seconds_to_wait(elapsed.total_seconds(), left))
    return (
        elapsed.total_seconds() <= RECHECKED_SECONDS
        and left >= MIN_TIMEOUT_SECONDS
        and now + wait - (run.rechecked_at or began) > _RECHECKED_EVERY
        and sum(part.instances for part in run.plan) <= _MOST_INSTANCES
    )


def recheck(
    run: Run, regions: Regions, assessments: Mapping[str, Iterable[Assessment]], now: datetime
) -> None:
    """Ask all that are confirmed. A region that refuses is no error: its confirmations age."""
    in_each(
        assessments,
        lambda region: run_command.send(
            regions.ssm(region),
            Action.STATUS,
            [one.instance.id for one in assessments[region] if _is_to_be_asked(one, now)],
            execution_timeout=MIN_TIMEOUT_SECONDS,
            comment=run_command.comment(run.execution, run.sendings + 1, recheck=True),
            delivery_seconds=run_command.RECHECK_DELIVERY_SECONDS,
        ),
    )


def _is_to_be_asked(assessment: Assessment, now: datetime) -> bool:
    return (
        assessment.instance.running
        and is_recheckable(assessment)
        and (assessment.rechecked_at is None or now - assessment.rechecked_at > _SENT_LATELY)
    )
