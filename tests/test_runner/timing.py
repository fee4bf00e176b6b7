"""How long tests take: the slowest start first, `--fast` leaves them out, and the ten slowest are printed at the end.

durations.json has the seconds of the slow ones. `./scripts/test -- --record-durations` writes it anew; a test
that is not in it counts as fast, and one that is in it only is of no harm.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

RECORDED: Final = Path(__file__).with_name("durations.json")
SLOW_SECONDS: Final = 2.0
"""From here on a test's duration is recorded."""
_SHOWN: Final = 10
_SHOWN_SECONDS: Final = 0.5
OPTION: Final = "--record-durations"
FAST: Final = "--fast"


def recorded() -> dict[str, float]:
    """The seconds that slow tests took when that was recorded, by node id."""
    seconds: dict[str, float] = json.loads(RECORDED.read_text())
    return seconds


def dealt(tests: Sequence[str], seconds: Mapping[str, float], processes: int) -> list[str]:
    """The tests in an order in which `--dist worksteal` deals them well to so many processes.

    It gives each process a run of neighbours, all runs with the same number of tests. So each run begins with its
    slow tests, the slowest first, and all runs take about as long; fast tests stay in order, which keeps the tests of
    a module and what they share together.
    """
    sizes = _sizes(len(tests), processes)
    runs: list[list[str]] = [[] for _ in sizes]
    slow = sorted((test for test in tests if test in seconds), key=lambda test: -seconds[test])
    for test in slow:
        free = [run for run, size in zip(runs, sizes, strict=True) if len(run) < size]
        min(free, key=lambda run: (sum(map(seconds.__getitem__, run)), len(run))).append(test)
    fast = iter([test for test in tests if test not in seconds])
    return [test for run, size in zip(runs, sizes, strict=True) for test in _filled(run, size, fast)]


def _sizes(tests: int, processes: int) -> list[int]:
    """How many tests xdist hands to each process at the start."""
    sizes: list[int] = []
    for left in range(processes, 0, -1):
        sizes.append((tests - sum(sizes)) // left)
    return sizes


def _filled(run: list[str], size: int, fast: Iterator[str]) -> list[str]:
    return [*run, *itertools.islice(fast, size - len(run))]


class Timing:
    """The plugin of a run: sorts its tests, listens to what they took, and tells it at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._calls: dict[str, float] = {}
        self._totals: dict[str, float] = {}

    # Last, so that what was deselected is gone.
    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if self._config.getoption(FAST):
            slow = recorded()
            self._config.hook.pytest_deselected(items=[item for item in items if item.nodeid in slow])
            items[:] = [item for item in items if item.nodeid not in slow]
        processes = int(getattr(self._config, "workerinput", {}).get("workercount", 1))
        if processes > 1:
            by_id = {item.nodeid: item for item in items}
            items[:] = [by_id[test] for test in dealt(list(by_id), recorded(), processes)]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._totals[report.nodeid] = self._totals.get(report.nodeid, 0.0) + report.duration
        if report.when == "call":
            self._calls[report.nodeid] = report.duration

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        slowest = sorted(self._totals.items(), key=lambda each: -each[1])[:_SHOWN]
        shown = [f"{seconds:6.1f} s  {test}" for test, seconds in slowest if seconds >= _SHOWN_SECONDS]
        if shown:
            terminalreporter.section("slowest tests")
            terminalreporter.write_line("\n".join(shown))
        if self._config.getoption(OPTION):
            slow = {test: round(took) for test, took in self._calls.items() if took >= SLOW_SECONDS}
            RECORDED.write_text(json.dumps(dict(sorted(slow.items())), indent=1) + "\n")
