"""A scenario made smaller as long as it still breaks the same invariant."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Final

from tests.soak.scenarios.invariants import violations
from tests.soak.scenarios.run import run
from tests.soak.scenarios.scenario import Scenario

_PARTS: Final = ("faults", "events", "lambda_faults", "slack_faults", "deliveries", "hosts", "environments")


_WITHOUT_SCHEDULES: Final[tuple[dict[str, Any], ...]] = ({"wake_after": None}, {"earlier_lease": False})


def breaks(scenario: Scenario, group: str) -> bool:
    """Whether a run of the scenario breaks the invariant in that way."""
    return any(one.group == group for one in violations(run(scenario)))


def shrink(scenario: Scenario, group: str, seconds: float = 20.0) -> Scenario:
    """The smallest scenario that was found in that time."""
    until = time.monotonic() + seconds
    for change in _WITHOUT_SCHEDULES:
        simpler = replace(scenario, **change)
        if simpler != scenario and breaks(simpler, group):
            scenario = simpler
    smaller = True
    while smaller:
        smaller = False
        for part in _PARTS:
            size = max(1, len(getattr(scenario, part)) // 2)
            while size:
                first = 0
                while first < len(getattr(scenario, part)):
                    if time.monotonic() > until:
                        return scenario
                    candidate = _without(scenario, part, first, size)
                    if candidate and breaks(candidate, group):
                        scenario, smaller = candidate, True
                    else:
                        first += size
                size //= 2
    return scenario


def _without(scenario: Scenario, part: str, first: int, count: int) -> Scenario | None:
    """Without some of a part; None if that makes another kind of scenario of it."""
    values: tuple[Any, ...] = getattr(scenario, part)
    changes: dict[str, Any] = {part: values[:first] + values[first + count :]}
    workers = {one.id for one in scenario.environments if "workers" in one.name}
    if part == "hosts" and not any(
        one.launched_at <= 0 and one.environment in workers for one in changes["hosts"]
    ):
        return None
    if part == "environments":
        left = {(one.region, one.id) for one in changes["environments"]}
        if any((one.region, one.environment) not in left for one in scenario.hosts):
            return None
        regions = {one.region for one in changes["environments"] if "workers" in one.name}
        if scenario.regions is not None:
            changes["regions"] = tuple(one for one in scenario.regions if one in regions)
            if not changes["regions"]:
                return None
    return replace(scenario, **changes)
