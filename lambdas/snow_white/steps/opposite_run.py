"""A run of the opposite action on the same fleet: both would be confirmed in turn, and one of them untruly."""

from __future__ import annotations

from collections.abc import Iterable

from snow_white.aws.environments import matches
from snow_white.aws.executions import OppositeRunUnderWay, RunUnderWay
from snow_white.aws.instances import present_instances
from snow_white.aws.regions import Regions, in_each, results_of
from snow_white.model.action import Action
from snow_white.model.fleet import Fleet
from snow_white.model.request import Defaults
from snow_white.model.run import Run
from snow_white.model.stated_request import texts
from snow_white.steps.groups import find_groups


def demand_no_opposite_run(
    run: Run, others: Iterable[RunUnderWay], defaults: Defaults, regions: Regions
) -> None:
    """Raise OppositeRunUnderWay if one of the other runs is opposite, on the same fleet, and began earlier."""
    for other in others:
        began_earlier = (other.started_at, other.arn) < (run.execution.started_at, run.execution.arn)
        action = Action.known(other.request.action)
        if run.request.action.drains and other.request.only_asleep_by:
            continue  # hosts that this run puts to sleep are left alone by it
        if (
            began_earlier
            and action in run.request.action.opposites
            and _overlaps(run, other, defaults, regions)
        ):
            raise OppositeRunUnderWay(
                f"A {other.request.action} of '{other.request.fleet_name}' is under way: the execution "
                f"{other.name}, started at {other.started_at:%Y-%m-%d %H:%M} UTC{_by(other)}. "
                f"Wait until it has ended, or stop it with: "
                f"aws stepfunctions stop-execution --execution-arn {other.arn}"
            )


def _overlaps(run: Run, other: RunUnderWay, defaults: Defaults, regions: Regions) -> bool:
    """Whether the two have an environment in common, or an instance if one of them selects instances."""
    fleet = other.request.fleet(defaults)
    where = texts(other.request.regions) or defaults.regions
    parts = [part for part in run.plan if part.region in where]
    mine = run.request.fleet
    if fleet.application and mine.application and not (fleet.instances or mine.instances):
        return fleet.application == mine.application and any(
            matches(group.name, fleet.environments) for part in parts for group in part.groups
        )
    if not fleet.patterns:
        return False
    # Best effort, as the look-up of the runs: the end is checked for what others have sent.
    common = in_each(
        (part.region for part in parts), lambda region: _has_common_instances(run, fleet, regions, region)
    )
    return any(results_of(common).values())


def _has_common_instances(run: Run, fleet: Fleet, regions: Regions, region: str) -> bool:
    ec2 = regions.ec2(region)
    theirs = fleet.members(find_groups(regions, fleet, region).groups)
    ids = {instance.id for instance in present_instances(ec2, theirs)}
    return any(instance.id in ids for instance in present_instances(ec2, run.members_in(region)))


def _by(other: RunUnderWay) -> str:
    who = other.request.requested_by
    return f" by {who}" if who else ""
