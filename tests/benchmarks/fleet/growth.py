"""How a poll, the start of a run and its price grow with instances and regions, beside the Fargate version."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import fmean
from types import ModuleType
from typing import Final

from tests.benchmarks.fleet import fargate
from tests.benchmarks.fleet.figures import Figure, Measured, Table, dollars, seconds
from tests.benchmarks.fleet.fleet import Fleet
from tests.benchmarks.fleet.prices import price, smallest_fargate_task
from tests.benchmarks.fleet.run import Bench, Run

Size = tuple[int, int]
"""Instances and regions."""
_POLLS: Final = 6
_TARGETS: Final[Mapping[Size, tuple[str, str]]] = {
    (1_000, 5): ("0.5 s", "8 s"),
    (10_000, 17): ("3 s", "20 s"),
}
_PRICE_TARGETS: Final[Mapping[tuple[int, int], str]] = {
    (10, 2): "$0.018",
    (1_000, 2): "$0.020",
    (10_000, 2): "under Fargate",
    (10, 48): "$0.10",
    (1_000, 48): "$0.11",
}


@dataclass(frozen=True)
class Start:
    """A run from its start through its first polls, while every job goes on.

    Attributes:
        calls, cpu, own, poll_seconds: of one poll, the mean of those after the first.
        worst_seconds: of the longest poll, the first one included.
        cpu_of: by step, the mean CPU seconds of its invocations.
    """

    fleet: Fleet
    sent_after: float
    calls: float
    cpu: float
    own: float
    poll_seconds: float
    worst_seconds: float
    cpu_of: Mapping[str, float]


def measure_start(handlers: Mapping[str, ModuleType], size: Size) -> Start:
    """With answers as large as AWS's, and the CPU that reading them takes."""
    fleet = Fleet(size[0], size[1])
    run = Bench(handlers, long_polls=False).run(
        fleet, lambda functions: len(functions.of("PollCommand")) > _POLLS
    )
    polls = run.functions.of("PollCommand")[1:]
    spent: dict[str, list[float]] = defaultdict(list)
    for one in run.functions.invocations:
        if one not in run.functions.of("PollCommand")[:1]:
            spent[one.step].append(one.cpu)
    return Start(
        fleet,
        run.last_sending(),
        fmean(one.call_count for one in polls),
        fmean(one.cpu for one in polls),
        fmean(one.own for one in polls),
        fmean(one.seconds for one in polls),
        max(one.seconds for one in run.functions.of("PollCommand")),
        {step: fmean(values) for step, values in spent.items()},
    )


def growth(handlers: Mapping[str, ModuleType], sizes: Iterable[Size]) -> tuple[Measured, list[Start]]:
    """The table of polls and starts."""
    measured, rows = Measured(), []
    starts = [measure_start(handlers, size) for size in sizes]
    for start in starts:
        count, regions = size = start.fleet.instances, start.fleet.regions
        rows.append(
            (
                f"{count:,}",
                str(regions),
                f"{start.calls:.0f}",
                f"{start.cpu:.3f}",
                f"{start.own:.3f}",
                seconds(start.poll_seconds),
                seconds(start.worst_seconds),
                seconds(start.sent_after),
                *_fargate_columns(count),
            )
        )
        if size in _TARGETS:
            poll, sent = _TARGETS[size]
            where = f"{count:,} instances in {regions} regions"
            measured.figures += [
                Figure(
                    f"a waiting poll, {where} (worst)",
                    f"{seconds(start.poll_seconds)} ({seconds(start.worst_seconds)})",
                    poll,
                ),
                Figure(f"start to last send, {where}", seconds(start.sent_after), sent),
            ]
    header = (
        "instances", "regions", "calls", "CPU s", "of which own", "poll", "worst", "start to last send",
        "Fargate: calls", "CPU s", "round",
    )  # fmt: skip
    note = (
        "A poll while all jobs go on, and one round of the Fargate version. Each call takes 80 ms, and calls of "
        "several regions overlap; the CPU time is stretched to the share of a core that the function's memory gives."
    )
    measured.tables.append(Table("A waiting poll", header, tuple(rows), note))
    for start in starts:
        measured.curves.setdefault(f"{start.fleet.regions} regions", []).append(
            (start.fleet.instances, start.poll_seconds)
        )
    return measured, starts


def _fargate_columns(count: int) -> tuple[str, str, str]:
    if count > fargate.MOST_INSTANCES:
        return f"({count:,})", "-", "-"
    one = fargate.look(Fleet(count))
    return str(one.calls), f"{one.cpu:.3f}", seconds(one.seconds)


def drain_prices(handlers: Mapping[str, ModuleType], starts: Iterable[Start], hours: int) -> Measured:
    """What drains of so many hours cost, with the CPU that the starts have measured."""
    measured, rows = Measured(), []
    for start in starts:
        last_end = hours * 3600.0 - 120
        fleet = replace(start.fleet, first_end=60.0, last_end=last_end, timeout_seconds=hours * 3600)
        run = Bench.counting(handlers).run(fleet)
        rows.append(_price_row(run, start, hours))
        of, task = price(run, start.cpu_of).total, smallest_fargate_task(run.seconds)
        if target := _PRICE_TARGETS.get((fleet.instances, hours)):
            name = f"{hours} h drain, {fleet.instances:,} instances in {fleet.regions} regions"
            measured.figures.append(Figure(name, f"{dollars(of)} (Fargate {dollars(task)})", target))
        measured.curves.setdefault(f"{hours} h", []).append((fleet.instances, of))
        measured.curves.setdefault(f"{hours} h, Fargate", []).append((fleet.instances, task))
    header = (
        "drain", "instances", "regions", "ended", "total", "of which transitions", "functions", "logs", "other",
        "Fargate task", "ratio", "AWS calls", "Fargate's way", "events", "largest state",
    )  # fmt: skip
    note = (
        "List prices in us-east-1 with logs, without free tiers. The task has 0.25 vCPU and 0.5 GB for the same time; "
        "its way is one request for each instance every 10 seconds, in brackets where it cannot (more than 50)."
    )
    measured.tables.append(Table(f"Price and calls of a drain of {hours} hours", header, tuple(rows), note))
    return measured


def _price_row(run: Run, start: Start, hours: int) -> tuple[str, ...]:
    paid, task = price(run, start.cpu_of), smallest_fargate_task(run.seconds)
    count = start.fleet.instances
    asked = count * run.seconds / fargate.EVERY_SECONDS
    return (
        f"{hours} h",
        f"{count:,}",
        str(start.fleet.regions),
        run.execution.status.lower(),
        dollars(paid.total),
        dollars(paid.transitions),
        dollars(paid.functions),
        dollars(paid.logs),
        dollars(paid.other),
        dollars(task),
        f"{paid.total / task:.2f}",
        f"{run.cloud.calls.total():,}",
        f"{asked:,.0f}" if count <= fargate.MOST_INSTANCES else f"({asked:,.0f})",
        f"{run.execution.events:,}",
        f"{run.execution.largest:,}",
    )
