"""What PollCommand and DispatchCommand share: whether the final phase has come, and whom a command should go to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from snow_white.aws.regions import RegionError, RegionRefused, RegionUnavailable
from snow_white.judgement.assessment import Assessment
from snow_white.judgement.freshness import renewable
from snow_white.judgement.snapshot import RegionSnapshot
from snow_white.model.durations import MIN_TIMEOUT_SECONDS
from snow_white.model.final_phase import FINAL_PHASE
from snow_white.model.run import Run

_REFUSAL_LASTS: Final = timedelta(minutes=5)


def since_when_refused(run: Run, errors: Mapping[str, RegionError], now: datetime) -> dict[str, datetime]:
    """By region, the first time of the refusals in a row that it has ended with until now."""
    return {
        region: run.refused_since.get(region, now)
        for region, error in errors.items()
        if isinstance(error, RegionRefused)
    }


def may_answer(run: Run, region: str, error: RegionError, now: datetime) -> bool:
    """Whether a region is worth waiting for: one that does not answer is, one that has refused for minutes is not."""
    if isinstance(error, RegionUnavailable):
        return True
    return now - run.refused_since.get(region, now) < _REFUSAL_LASTS


def is_final_phase(run: Run, snapshots: Mapping[str, RegionSnapshot | RegionError], now: datetime) -> bool:
    """Whether nobody has to be waited for any more: every command has ended everywhere, or time is over.

    A region that does not answer may have commands that go on; one that goes on refusing will not say in this run.
    """
    return run.seconds_left(now) <= 0 or not any(
        may_answer(run, region, snapshot, now)
        if isinstance(snapshot, RegionError)
        else not snapshot.all_ended
        for region, snapshot in snapshots.items()
    )


def sendable(
    run: Run, assessments: Mapping[str, Sequence[Assessment]], *, final_phase: bool, now: datetime
) -> dict[str, tuple[str, ...]]:
    """By region, the ids that a command should go to now.

    Args:
        final_phase: stale and refuted confirmations are renewed too, until half of the grace after the deadline is
            over.
    """
    left = run.seconds_left(now)
    everyone = [one for some in assessments.values() for one in some]
    may_renew = final_phase and left > -FINAL_PHASE.grace.total_seconds() / 2
    refuted = {one.instance.id for one in everyone if one.refuted and one.sendable}
    renewed = renewable(run, everyone, now) | refuted if may_renew else set()
    # The shortest time a host's script takes; a little less is allowed so that a run with the
    # shortest timeout is not refused for the second that has passed since it began.
    in_time = left >= MIN_TIMEOUT_SECONDS / 2
    return {
        region: ids
        for region, some in assessments.items()
        if (
            ids := tuple(
                dict.fromkeys(
                    one.instance.id
                    for one in some
                    if (one.sendable and in_time) or one.instance.id in renewed
                )
            )
        )
    }
