"""DiscoverInstances: from a request to the plan, before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from snow_white.aws import tagged_instances
from snow_white.aws.applications import application_names
from snow_white.aws.environments import NothingMatched, describe_miss
from snow_white.aws.instances import managed_ids, present_instances
from snow_white.aws.regions import (
    RegionError,
    RegionRefused,
    Regions,
    errors_of,
    in_each,
    region_errors,
    results_of,
)
from snow_white.model.fleet import Group, RegionPlan
from snow_white.model.request import Request
from snow_white.model.state_budget import INSTANCE_IDS, newest
from snow_white.steps.groups import FoundGroups, find_groups


@dataclass(frozen=True)
class Discovery:
    """The plan; or, while regions do not answer or refuse, none: an incomplete plan would not be the truth.

    `errors` then says why, by region. `unsent` has ids of the instances that were seen, by region; capped.
    """

    plan: tuple[RegionPlan, ...] = ()
    unsent: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    errors: Mapping[str, RegionError] = field(default_factory=dict)

    @property
    def waiting_for(self) -> dict[str, str]:
        """By region, a sentence that says why there is no plan yet."""
        return {region: str(error) for region, error in self.errors.items()}


def discover(request: Request, regions: Regions) -> Discovery:
    """Find the fleet's groups and count their instances in every region of the request.

    Returns:
        The regions in which a group matches, in the request's order.

    Raises:
        NothingMatched: a pattern or a region that the request names matches nothing, or no instance is there.
    """
    read = in_each(request.regions, lambda region: find_groups(regions, request.fleet, region))
    if errors := errors_of(read):
        return Discovery(errors=errors)
    found = results_of(read)
    # What was scheduled hours ago is for those that are still there, and nobody may be.
    if not request.is_scheduled:
        _demand_matches(request, regions, found)
    planned = [region for region in request.regions if found[region].groups]
    looked = in_each(planned, lambda region: _plan(regions, request, region, found[region].groups))
    if errors := errors_of(looked):
        return Discovery(errors=errors)
    parts = results_of(looked)
    names = ", ".join(sorted({one.name for part, _ in parts.values() for one in part.groups}))
    there = {one for _, ids in parts.values() for one in ids}
    missing = [one for one in request.instances if one not in there]
    if missing and not request.is_scheduled:
        raise NothingMatched(
            f"Not among the instances of {names} ({', '.join(planned)}): {', '.join(missing)}."
        )
    unsent = {region: ids for region, (_, ids) in parts.items() if ids}
    if not unsent and not request.is_scheduled:
        raise NothingMatched(f"No instance is running in {names} ({', '.join(planned)}).")
    return Discovery(tuple(part for part, _ in parts.values()), newest(unsent, INSTANCE_IDS))


def _demand_matches(request: Request, regions: Regions, found: Mapping[str, FoundGroups]) -> None:
    """Raise NothingMatched if anything that was named matches nothing: it may be mistyped, and would be left out."""
    patterns = request.fleet.patterns
    matched = any(one.groups for one in found.values())
    missed = [pattern for pattern in patterns if not any(pattern in one.matched for one in found.values())]
    if not matched or (request.names_patterns and missed):
        raise NothingMatched(_describe_miss(request, regions, found, missed or patterns))
    empty = {region: one for region, one in found.items() if not one.groups}
    if request.regions_named and empty:
        raise NothingMatched(_describe_miss(request, regions, empty, patterns))


def _describe_miss(
    request: Request, regions: Regions, found: Mapping[str, FoundGroups], missed: Sequence[str]
) -> str:
    """What was not found in these regions, and what is there, as far as they answer."""
    fleet = request.fleet
    if fleet.application:
        names = {name for one in found.values() for name in one.others}
        known = (
            {}
            if names
            else in_each(found, lambda region: application_names(regions.elastic_beanstalk(region)))
        )
        applications = set().union(*results_of(known).values())
        return describe_miss(fleet.application, missed, list(found), names, applications)
    looked = in_each(found, lambda region: tagged_instances.values_there(regions.ec2(region), fleet, missed))
    there: dict[str, set[str]] = {}
    for values in results_of(looked).values():
        for key, some in values.items():
            there.setdefault(key, set()).update(some)
    return tagged_instances.describe_miss(fleet, missed, list(found), there)


def _plan(
    regions: Regions, request: Request, region: str, groups: tuple[Group, ...]
) -> tuple[RegionPlan, tuple[str, ...]]:
    _require_document(regions, request, region)
    instances = present_instances(regions.ec2(region), request.fleet.members(groups))
    managed = managed_ids(regions.ssm(region), (instance.id for instance in instances))
    part = RegionPlan(
        region=region,
        groups=groups,
        instances=len(instances),
        unmanaged=sum(instance.id not in managed for instance in instances),
    )
    return part, tuple(instance.id for instance in instances)


def _require_document(regions: Regions, request: Request, region: str) -> None:
    name = request.action.document_name
    try:
        with region_errors(region):
            regions.ssm(region).describe_document(Name=name)
    except RegionRefused as error:
        raise RegionRefused(
            f"The document {name} cannot be used: {error}. "
            f"Is the stack SnowWhite-Documents-{region} deployed?"
        ) from error
