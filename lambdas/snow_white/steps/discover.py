"""DiscoverInstances: from a request to the plan, before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from snow_white.aws.applications import application_names
from snow_white.aws.environments import (
    NothingMatched,
    application_environments,
    describe_miss,
    matches,
    matching,
)
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
from snow_white.model.fleet import Environment, RegionPlan
from snow_white.model.request import Request
from snow_white.model.state_budget import INSTANCE_IDS, newest


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
    """Find the environments and count their instances in every region of the request.

    Returns:
        The regions in which an environment matches, in the request's order.

    Raises:
        NothingMatched: a pattern or a region that the request names matches no environment, or no instance is there.
    """
    read = in_each(
        request.regions,
        lambda region: application_environments(regions.elastic_beanstalk(region), request.application),
    )
    if errors := errors_of(read):
        return Discovery(errors=errors)
    found = results_of(read)
    wanted = {region: matching(environments, request.environments) for region, environments in found.items()}
    _demand_matches(request, regions, found, wanted)
    planned = [region for region in request.regions if wanted[region]]
    looked = in_each(planned, lambda region: _plan(regions, request, region, wanted[region]))
    if errors := errors_of(looked):
        return Discovery(errors=errors)
    parts = results_of(looked)
    unsent = {region: ids for region, (_, ids) in parts.items() if ids}
    if not unsent:
        names = ", ".join(sorted(one.name for part, _ in parts.values() for one in part.environments))
        raise NothingMatched(f"No instance is running in {names} ({', '.join(planned)}).")
    return Discovery(tuple(part for part, _ in parts.values()), newest(unsent, INSTANCE_IDS))


def _demand_matches(
    request: Request,
    regions: Regions,
    found: Mapping[str, Sequence[Environment]],
    wanted: Mapping[str, Sequence[Environment]],
) -> None:
    """Raise NothingMatched if anything that was named matches nothing: it may be mistyped, and would be left out."""
    names = {one.name for environments in found.values() for one in environments}
    matched = any(wanted.values())
    missed = [pattern for pattern in request.environments if not any(matches(n, [pattern]) for n in names)]
    if not matched or (request.environments_named and missed):
        patterns = missed if matched else request.environments
        applications = set() if names else _applications(request, regions)
        raise NothingMatched(
            describe_miss(request.application, patterns, request.regions, names, applications)
        )
    empty = [region for region in request.regions if not wanted[region]]
    if request.regions_named and empty:
        there = {one.name for region in empty for one in found[region]}
        raise NothingMatched(describe_miss(request.application, request.environments, empty, there))


def _applications(request: Request, regions: Regions) -> set[str]:
    """The applications that there are in the request's regions, as far as these answer."""
    found = in_each(request.regions, lambda region: application_names(regions.elastic_beanstalk(region)))
    return set().union(*results_of(found).values())


def _plan(
    regions: Regions, request: Request, region: str, environments: tuple[Environment, ...]
) -> tuple[RegionPlan, tuple[str, ...]]:
    _require_document(regions, request, region)
    instances = present_instances(regions.ec2(region), environments)
    managed = managed_ids(regions.ssm(region), (instance.id for instance in instances))
    part = RegionPlan(
        region=region,
        environments=environments,
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
