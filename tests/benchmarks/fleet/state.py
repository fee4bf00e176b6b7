"""The two budgets of an execution: bytes of its state, and events of its history."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from tests.benchmarks.fleet.figures import Figure, Measured
from tests.benchmarks.fleet.fleet import Fleet
from tests.benchmarks.fleet.run import Bench


def worst_mix(handlers: Mapping[str, ModuleType], instances: int, regions: int) -> Measured:
    """The largest state of a run in which much goes wrong: no agents, agents that are lost, jobs that go on."""
    fleet = Fleet(
        instances,
        regions,
        environments=instances // 20,
        first_end=20,
        last_end=1_200,
        without_agent=instances // 10,
        dying=instances // 10,
        timeout_seconds=900,
    )
    run = Bench.counting(handlers, has_buckets=False).run(fleet)
    where = f"{instances:,} instances, {fleet.environments:,} environments"
    name = f"largest state, {where}, a fifth without a working agent"
    said = f"{run.execution.largest / 1000:.0f} KB ({run.execution.status.lower()}, {run.execution.error})"
    return Measured([Figure(name, said, "100 KB")])


def churn(handlers: Mapping[str, ModuleType], hours: int) -> Measured:
    """The events of a drain during which an instance is launched every five minutes."""
    fleet = Fleet(10, new_every=300, timeout_seconds=hours * 3600)
    run = Bench.counting(handlers).run(fleet)
    name = f"events of {hours} h with a new instance every 5 minutes"
    said = f"{run.execution.events:,}; the largest state {run.execution.largest / 1000:.0f} KB"
    return Measured([Figure(name, said, "20,000 in 48 h")])
