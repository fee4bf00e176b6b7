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

# Longer than sending to 10,000 instances and one proof take, so that one more sending renews every confirmation.
FRESH_FOR: Final = timedelta(minutes=5)
# Whoever is older is renewed with the others, or it would be stale soon after them.
_RENEWED_FROM: Final = timedelta(minutes=1)
_AGEING: Final = CONFIRMED | {Verdict.NO_WORKER}


def is_stale(run: Run, assessment: Assessment, now: datetime) -> bool:
    """Whether what the instance answered is too old to be reported as true now."""
    return _is_older(run, assessment, now, FRESH_FOR)


def _is_older(run: Run, assessment: Assessment, now: datetime, age: timedelta) -> bool:
    true_at = assessment.true_at(now)
    return (
        run.request.action.confirmation_ages
        and assessment.judgement.verdict in _AGEING
        and true_at is not None
        and now - true_at > age
    )


def renewable(run: Run, assessments: Iterable[Assessment], now: datetime) -> set[str]:
    """Ids of the instances whose confirmation is to be renewed: all that are not new, if one of them is stale."""
    running = [one for one in assessments if one.instance.running]
    if run.renewals >= FINAL_PHASE.renewals or not any(is_stale(run, one, now) for one in running):
        return set()
    return {one.instance.id for one in running if _is_older(run, one, now, _RENEWED_FROM)}


def expire_stale(run: Run, assessments: Iterable[Assessment], now: datetime) -> list[Assessment]:
    """The assessments as they may be reported: a stale confirmation that could not be renewed is none."""
    return [
        replace(one, judgement=_expired(one, now)) if is_stale(run, one, now) else one for one in assessments
    ]


def _expired(assessment: Assessment, now: datetime) -> Judgement:
    judgement, at = assessment.judgement, assessment.true_at(now)
    reason = f"it was {judgement.verdict.words} at {at:%H:%M} UTC, but that could not be checked again"
    return Judgement(Verdict.UNCONFIRMED, reason, judgement.processes, judgement.omitted)
