"""A fleet's groups: looked up at the start, and anew during a run: one that was made since is in scope too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from snow_white.aws.environments import application_environments, matches, matching
from snow_white.aws.regions import Regions, in_each, results_of
from snow_white.aws.tagged_instances import tagged_groups
from snow_white.model.fleet import Fleet, Group, RegionPlan
from snow_white.model.run import Run

if TYPE_CHECKING:
    from snow_white.judgement.snapshot import RegionSnapshot

_READ_EVERY: Final = timedelta(minutes=10)  # Elastic Beanstalk is throttled hard


@dataclass(frozen=True)
class FoundGroups:
    """What was found in one region.

    Attributes:
        matched: those of the fleet's patterns that match something there.
        others: names of the application's other environments, to show a mistyped pattern.
    """

    groups: tuple[Group, ...]
    matched: frozenset[str]
    others: frozenset[str] = frozenset()


def find_groups(regions: Regions, fleet: Fleet, region: str) -> FoundGroups:
    """The groups of the fleet in one region."""
    if not fleet.application:
        return FoundGroups(*tagged_groups(regions.ec2(region), fleet))
    environments = application_environments(regions.elastic_beanstalk(region), fleet.application)
    names = {one.name for one in environments}
    matched = {pattern for pattern in fleet.environments if any(matches(name, [pattern]) for name in names)}
    return FoundGroups(matching(environments, fleet.environments), frozenset(matched), frozenset(names))


def read_groups(
    run: Run, regions: Regions, region: str, snapshot: RegionSnapshot | None = None
) -> tuple[Group, ...]:
    """The groups in one region now.

    Args:
        snapshot: of all instances there, if there is one; only the environments of an application are still read then.
    """
    fleet = run.request.fleet
    if snapshot is None or fleet.application:
        return find_groups(regions, fleet, region).groups
    return tuple(Group(name) for name in {instance.group for instance in snapshot.instances} if name)


def with_new_groups(run: Run, regions: Regions, now: datetime) -> Run:
    """Now and then during a long drain: the run with the groups that were made meanwhile."""
    last = run.environments_read_at or run.dispatched_at or now
    if now - last < _READ_EVERY:
        return run
    found = in_each(run.request.regions, lambda region: read_groups(run, regions, region))
    return extend_plan(run, results_of(found), now)


def extend_plan(run: Run, found: Mapping[str, tuple[Group, ...]], now: datetime) -> Run:
    """The run with every group that matches now; a planned one stays, since it may still have instances."""
    planned = {part.region: part for part in run.plan}
    parts = []
    for region in run.request.regions:
        part = planned.get(region, RegionPlan(region))
        groups = tuple(sorted({*part.groups, *found.get(region, ())}))
        if groups:
            parts.append(replace(part, groups=groups))
    plan = tuple(parts)
    read_at = run.instances_read_at if plan == run.plan else None
    return replace(run, plan=plan, environments_read_at=now, instances_read_at=read_at)
