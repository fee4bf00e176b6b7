"""One seed examined: its scenario run, its invariants checked, small enough to be handed from process to process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tests.soak.scenarios.generate import generate
from tests.soak.scenarios.invariants import Violation, violations
from tests.soak.scenarios.run import Ended, run
from tests.soak.scenarios.scenario import Scenario
from tests.soak.scenarios.shrink import shrink


@dataclass(frozen=True)
class Examined:
    """What became of one seed."""

    seed: int
    healthy: bool
    status: str
    simulated_seconds: float
    calls: int
    injected: Counter[str]
    violations: tuple[Violation, ...]


def examine(seed: int) -> Examined:
    """Run the scenario of the seed."""
    scenario = generate(seed)
    ended = run(scenario)
    return Examined(
        seed,
        scenario.healthy,
        ended.execution.status,
        ended.cloud.clock.elapsed,
        sum(ended.cloud.calls.values()),
        ended.injected,
        tuple(violations(ended)),
    )


def tell(seed: int, group: str, seconds: float) -> list[str]:
    """The short story of how the scenario of a seed breaks an invariant, in lines."""
    scenario: Scenario = shrink(generate(seed), group, seconds)
    ended = run(scenario)
    broken = [one for one in violations(ended) if one.group == group]
    return [*scenario.story(), *_course(ended), *(f"  VIOLATION {one.name}: {one.text}" for one in broken)]


def _course(ended: Ended) -> Iterator[str]:
    """The steps of the execution, equal ones in a row as one."""
    yield "  course:"
    shown: list[tuple[str, float, int]] = []
    for name, entered in ended.execution.steps:
        if name in ("Outcome", "WaitForWorkers") or (shown and shown[-1][0] == name):
            if shown and name == shown[-1][0]:
                shown[-1] = (name, shown[-1][1], shown[-1][2] + 1)
            continue
        shown.append((name, entered, 1))
    first = ended.execution.started_at
    for name, entered, count in (
        shown[:12] + ([("...", shown[-8][1], 1)] if len(shown) > 20 else []) + shown[12:][-8:]
    ):
        yield f"    {entered - first:7.0f} s {name}{f' ({count} times)' if count > 1 else ''}"
    for region, command in sorted(ended.own_commands(), key=lambda pair: pair[1].sent_at)[:12]:
        ids = ", ".join(f"{id_} {one.status}" for id_, one in command.invocations.items())
        yield f"    sent after {command.sent_at - first:.0f} s in {region}: {command.document}: {ids}"
    execution = ended.execution
    yield f"    {(execution.ended_at or 0) - first:7.0f} s {execution.status} {execution.error or ''}"
    for step, kind, text in ended.functions.raised[:4]:
        yield f"    raised in {step}: {kind}: {text[:200]}"
