"""Freshness: a worker that was confirmed long ago may have been restarted since, so confirmations become stale."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from snow_white.judgement.assessment import Assessment
from snow_white.judgement.verdict import Judgement
from snow_white.model.final_phase import FINAL_PHASE
from snow_white.model.run import Run
from snow_white.model.verdict import CONFIRMED, Verdict

# Longer than sending to 10,000 instances and one proof take, so that one more sending renews every confirmation. It
# counts from the sending, by the service's clock: the hosts' clocks may be off.
FRESH_FOR: Final = timedelta(minutes=5)
_AGEING: Final = CONFIRMED | {Verdict.NO_WORKER}


def is_stale(run: Run, assessment: Assessment, now: datetime) -> bool:
    """Whether what the instance answered is too old to be reported as true now."""
    return (
        run.request.action.confirmation_ages
        and assessment.judgement.verdict in _AGEING
        and assessment.asked_at is not None
        and now - assessment.asked_at > FRESH_FOR
    )


def renewable(run: Run, assessments: Iterable[Assessment], now: datetime) -> set[str]:
    """Ids of the instances whose confirmation is stale and may be renewed before the run ends."""
    if run.renewals >= FINAL_PHASE.renewals:
        return set()
    return {one.instance.id for one in assessments if one.instance.running and is_stale(run, one, now)}


def expire_stale(run: Run, assessments: Iterable[Assessment], now: datetime) -> list[Assessment]:
    """The assessments as they may be reported: a stale confirmation that could not be renewed is none."""
    return [replace(one, judgement=_expired(one)) if is_stale(run, one, now) else one for one in assessments]


def _expired(assessment: Assessment) -> Judgement:
    judgement = assessment.judgement
    assert assessment.asked_at is not None
    reason = f"it was {judgement.verdict.words} at {assessment.asked_at:%H:%M} UTC, but that could not be checked again"
    return Judgement(Verdict.UNCONFIRMED, reason, judgement.processes, judgement.omitted)
