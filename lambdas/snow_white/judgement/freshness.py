"""How old a proof may be: a worker that was confirmed long ago may have been restarted since."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from snow_white.judgement.assessment import Standing
from snow_white.judgement.verdict import CONFIRMED, Judgement, Verdict
from snow_white.model.request import Action
from snow_white.model.run import Run

# Longer than sending to 10,000 instances and one proof take, so that one more sending makes everybody's fresh. It
# counts from the sending, by the service's clock: the hosts' clocks may be off.
FRESH_FOR: Final = timedelta(minutes=5)
MAX_PROOFS: Final = 5
_MAY_PASS: Final = frozenset({Action.QUIET, Action.STOP})
"""Actions whose result an outside restart undoes."""


def is_stale(run: Run, standing: Standing, now: datetime) -> bool:
    """Whether what the instance answered is too old to be told as the truth of this moment."""
    return (
        run.request.action in _MAY_PASS
        and standing.judgement.verdict in CONFIRMED | {Verdict.NO_WORKER}
        and standing.asked_at is not None
        and now - standing.asked_at > FRESH_FOR
    )


def to_prove_again(run: Run, standings: Iterable[Standing], now: datetime) -> set[str]:
    """Ids of the instances to be asked once more, before the run may end."""
    if run.proofs >= MAX_PROOFS:
        return set()
    return {one.instance.id for one in standings if is_stale(run, one, now)}


def told_truly(run: Run, standings: Iterable[Standing], now: datetime) -> list[Standing]:
    """The standings as they may be reported: an old confirmation that could not be renewed is none."""
    return [replace(one, judgement=_expired(one)) if is_stale(run, one, now) else one for one in standings]


def _expired(standing: Standing) -> Judgement:
    said = standing.judgement.verdict.value.replace("_", " ")
    assert standing.asked_at is not None
    reason = f"it was {said} when it was asked at {standing.asked_at:%H:%M} UTC, and could not be asked again"
    return Judgement(Verdict.UNCONFIRMED, reason, standing.judgement.processes, standing.judgement.omitted)
