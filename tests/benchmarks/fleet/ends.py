"""What the last instances of a run cost, and how soon its end is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Final

from tests.benchmarks.fleet.figures import Figure, Measured, Table, seconds
from tests.benchmarks.fleet.fleet import Fleet
from tests.benchmarks.fleet.functions import Functions
from tests.benchmarks.fleet.run import Bench, Run
from tests.soak.cloud.host import is_quiet

_TEN_MINUTES: Final = 600.0


def calls_for_a_dead_instance(
    handlers: Mapping[str, ModuleType], instances: int, regions: int
) -> tuple[Counter[str], int]:
    """Calls by operation in the ten minutes after all others have ended, and how many commands were sent in all."""
    fleet = Fleet(instances, regions, first_end=20, last_end=60, dying=1, timeout_seconds=3600)
    others_end = 180.0
    run = Bench.counting(handlers).run(
        fleet, lambda functions: _elapsed(functions) > others_end + _TEN_MINUTES
    )
    calls: Counter[str] = Counter()
    for one in run.functions.invocations:
        if one.began > others_end:
            calls += one.calls
    return calls, sum(len(region.run_command.commands) for region in run.cloud.cloud.regions.values())


def dead_instance(handlers: Mapping[str, ModuleType], instances: int, regions: int) -> Measured:
    """Calls in the ten minutes after all others have ended, while one instance is silent."""
    calls, sent = calls_for_a_dead_instance(handlers, instances, regions)
    read = calls["ListCommandInvocations"]
    name = f"a dead instance at the end, {instances:,} in {regions}: ListCommandInvocations in 10 minutes"
    rows = tuple((operation, f"{count:,}") for operation, count in sorted(calls.items()))
    title = f"Calls in 10 minutes with one dead instance of {instances:,}"
    note = (
        "Each function reads a command once that all its agents have ended, as long as its process lives: PollCommand "
        "to judge, DispatchCommand to know whom to ask again. The command of the dead instance is read again."
    )
    return Measured(
        [Figure(name, f"{read:,} for {sent:,} commands", "each ended command read once")],
        [Table(title, ("call", "count"), rows, note)],
    )


def without_agent(handlers: Mapping[str, ModuleType], instances: int = 1_000, regions: int = 5) -> Measured:
    """How often instances that have no agent are asked for."""
    counts = []
    for some in (0, instances // 10):
        run = Bench.counting(handlers).run(
            Fleet(instances, regions, without_agent=some),
            lambda functions: _elapsed(functions) > _TEN_MINUTES,
        )
        calls = sum((one.calls for one in run.functions.invocations), Counter[str]())
        counts.append(calls["DescribeInstanceInformation"] + calls["SendCommand"])
    name = (
        f"{instances // 10:,} of {instances:,} instances without an agent: more calls for them in 10 minutes"
    )
    return Measured([Figure(name, f"{counts[1] - counts[0]:,}", "asked once, then seldom")])


def judging(handlers: Mapping[str, ModuleType], fewer: int) -> Measured:
    """The functions' own work in the last poll, by number of instances in one region."""
    own = []
    for count in (fewer, 4 * fewer):
        bench = Bench.counting(handlers, has_buckets=False, long_polls=False)
        run = bench.run(Fleet(count, first_end=1, last_end=20, timeout_seconds=1800))
        own.append(run.functions.of("PollCommand")[-1].own)
    name = f"own work when judging, {fewer:,} / {4 * fewer:,}"
    said = f"{seconds(own[0])} / {seconds(own[1])}: {own[1] / own[0]:.1f} times"
    return Measured([Figure(name, said, "4 times (linear)")])


def throttled_discovery(handlers: Mapping[str, ModuleType], instances: int, tries: int = 5) -> Measured:
    """How often a run comes to its first poll while so many of SSM's calls are throttled."""
    went_well, attempts = 0, []
    for _ in range(tries):
        bench = Bench.counting(handlers, throttled_share=0.3)
        run = bench.run(Fleet(instances), lambda functions: bool(functions.of("DispatchCommand")))
        went_well += run.execution.status == "RUNNING"
        attempts.append(len(run.functions.of("DiscoverInstances")))
    name = f"discovery with 30% of SSM's calls throttled, {instances:,} in one region"
    said = f"{went_well} of {tries} succeed, with {max(attempts)} invocations at most"
    return Measured([Figure(name, said, f"{tries} of {tries}")])


def told_after(run: Run) -> float:
    """Seconds from the end of the fleet's last job to the reply in Slack."""
    ends = []
    for region in run.cloud.cloud.regions.values():
        for instance in region.instances.values():
            truth = instance.host.truth
            ends.append(next(at for at, states in truth.changes() if is_quiet(states)))
    return run.slack.replies[0][0] - max(ends)


def last_end_to_slack(handlers: Mapping[str, ModuleType], drains: Iterable[int], tries: int = 12) -> Measured:
    """For each length of drain, the worst of so many that end at different moments between two polls."""
    worst, targets = [], []
    for drain in drains:
        later = max(5.0, drain * 0.02) / tries
        told = [
            told_after(
                Bench.counting(handlers).run(
                    Fleet(
                        20,
                        2,
                        first_end=5,
                        last_end=drain + later * index,
                        timeout_seconds=max(600, drain * 2),
                    )
                )
            )
            for index in range(tries)
        ]
        worst.append(max(told))
        targets.append(15 + 5 + 0.02 * drain)
    lengths = " / ".join(f"{drain} s" if drain < 900 else f"{drain // 60} min" for drain in drains)
    return Measured(
        [
            Figure(
                f"last job's end to Slack, drains of {lengths} (worst of {tries})",
                " / ".join(f"{one:.0f}" for one in worst) + " s",
                " / ".join(f"{one:.0f}" for one in targets) + " s",
            )
        ]
    )


def _elapsed(functions: Functions) -> float:
    last = functions.invocations[-1]
    return last.began + last.seconds
