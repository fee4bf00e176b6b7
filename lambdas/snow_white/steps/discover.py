"""DiscoverInstances: from a request to the plan, before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from snow_white.aws.environments import (
    NothingMatched,
    application_environments,
    describe_miss,
    matching,
)
from snow_white.aws.instances import managed_ids, present_instances
from snow_white.aws.regions import (
    RegionError,
    RegionRefused,
    Regions,
    RegionUnavailable,
    errors_of,
    in_each,
    region_errors,
    results_of,
)
from snow_white.model.fleet import Environment, RegionPlan
from snow_white.model.request import Request

T = TypeVar("T")


def discover(request: Request, regions: Regions) -> tuple[RegionPlan, ...]:
    """Find the environments and count their instances in every region of the request.

    Returns:
        The regions in which an environment matches, in the request's order.

    Raises:
        NothingMatched: no environment matches, or none of them has an instance.
        RegionUnavailable: a region did not answer; a plan that lacks it would not be the truth.
        RegionRefused: a region lacks a permission or the document.
    """
    found = _all_or_raise(
        in_each(
            request.regions,
            lambda region: application_environments(regions.elastic_beanstalk(region), request.application),
        )
    )
    wanted = {region: matching(environments, request.environments) for region, environments in found.items()}
    planned = [region for region in request.regions if wanted[region]]
    if not planned:
        others = (one.name for environments in found.values() for one in environments)
        raise NothingMatched(
            describe_miss(request.application, request.environments, request.regions, others)
        )
    plan = tuple(
        _all_or_raise(
            in_each(planned, lambda region: _plan(regions, request, region, wanted[region]))
        ).values()
    )
    if not any(part.instances for part in plan):
        names = ", ".join(sorted(one.name for part in plan for one in part.environments))
        raise NothingMatched(f"No instance is running in {names} ({', '.join(planned)}).")
    return plan


def _plan(
    regions: Regions, request: Request, region: str, environments: tuple[Environment, ...]
) -> RegionPlan:
    _require_document(regions, request, region)
    instances = present_instances(regions.ec2(region), environments)
    managed = managed_ids(regions.ssm(region), (instance.id for instance in instances))
    return RegionPlan(
        region=region,
        environments=environments,
        instances=len(instances),
        unmanaged=sum(instance.id not in managed for instance in instances),
    )


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


def _all_or_raise(results: Mapping[str, T | RegionError]) -> dict[str, T]:
    errors = errors_of(results)
    refusals = [str(error) for error in errors.values() if isinstance(error, RegionRefused)]
    if refusals:
        raise RegionRefused("; ".join(refusals))
    if errors:
        raise RegionUnavailable("; ".join(map(str, errors.values())))
    return results_of(results)
