"""A run of the opposite action on the same fleet: both would be confirmed in turn, and one of them untruly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from snow_white.aws.environments import matches
from snow_white.aws.executions import OppositeRunUnderWay, RunUnderWay
from snow_white.model.action import Action
from snow_white.model.report import Stated
from snow_white.model.request import Defaults
from snow_white.model.run import Run


def demand_no_opposite_run(run: Run, others: Iterable[RunUnderWay], defaults: Defaults) -> None:
    """Raise OppositeRunUnderWay if one of the other runs is opposite, on the same fleet, and began earlier."""
    for other in others:
        began_earlier = (other.started_at, other.arn) < (run.execution.started_at, run.execution.arn)
        action = Action.known(other.request.action)
        if began_earlier and action in run.request.action.opposites and _overlaps(run, other, defaults):
            raise OppositeRunUnderWay(
                f"A {other.request.action} of '{run.request.application}' is under way: the execution "
                f"{other.name}, started at {other.started_at:%Y-%m-%d %H:%M} UTC{_by(other)}. "
                f"Wait until it has ended, or stop it with: "
                f"aws stepfunctions stop-execution --execution-arn {other.arn}"
            )


def _overlaps(run: Run, other: RunUnderWay, defaults: Defaults) -> bool:
    """Whether an environment of this run is one of the other's too."""
    if other.request.application != run.request.application:
        return False
    regions = _texts(other.request.regions) or defaults.regions
    patterns = _texts(other.request.environments) or defaults.environments
    return any(
        matches(environment.name, patterns)
        for part in run.plan
        if part.region in regions
        for environment in part.environments
    )


def _texts(stated: Stated) -> Sequence[str]:
    if isinstance(stated, str):
        return (stated,)
    return stated if isinstance(stated, tuple) else ()


def _by(other: RunUnderWay) -> str:
    who = other.request.requested_by
    return f" by {who}" if who else ""
