"""Reading the environments anew during a run: one that was made since the start is in scope too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from snow_white.aws.environments import application_environments, matching
from snow_white.aws.regions import Regions, in_each, results_of
from snow_white.model.fleet import Environment, RegionPlan
from snow_white.model.run import Run

_READ_EVERY: Final = timedelta(minutes=10)  # Elastic Beanstalk is throttled hard


def read_environments(run: Run, regions: Regions, region: str) -> tuple[Environment, ...]:
    """The environments of one region that match the request now."""
    client = regions.elastic_beanstalk(region)
    return matching(application_environments(client, run.request.application), run.request.environments)


def with_new_environments(run: Run, regions: Regions, now: datetime) -> Run:
    """Now and then during a long drain: the run with the environments that were made meanwhile."""
    last = run.environments_read_at or run.dispatched_at or now
    if now - last < _READ_EVERY:
        return run
    found = in_each(run.request.regions, lambda region: read_environments(run, regions, region))
    return extend_plan(run, results_of(found), now)


def extend_plan(run: Run, found: Mapping[str, tuple[Environment, ...]], now: datetime) -> Run:
    """The run with every environment that matches now; a planned one stays, since it may still have instances."""
    planned = {part.region: part for part in run.plan}
    parts = []
    for region in run.request.regions:
        part = planned.get(region, RegionPlan(region))
        environments = tuple(sorted({*part.environments, *found.get(region, ())}))
        if environments:
            parts.append(replace(part, environments=environments))
    plan = tuple(parts)
    read_at = run.instances_read_at if plan == run.plan else None
    return replace(run, plan=plan, environments_read_at=now, instances_read_at=read_at)
