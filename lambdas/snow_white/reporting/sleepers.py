"""Who still sleeps because of one run, as a `status` has found them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from snow_white.model.fleet import ASLEEP
from snow_white.model.report import Report
from snow_white.model.verdict import CONFIRMED, HARMLESS


@dataclass(frozen=True)
class Sleepers:
    """The processes that a run has put to sleep and that still sleep.

    Attributes:
        since: when the first of them was put to sleep; None if no host knows.
        silent: the number of instances that did not answer, or could not be asked.
        at_least: whether some that sleep may have had no room in the report.
    """

    processes: int = 0
    hosts: int = 0
    since: datetime | None = None
    silent: int = 0
    at_least: bool = False

    @property
    def may_sleep(self) -> bool:
        """Whether anybody sleeps, or may."""
        return bool(self.processes or self.silent or self.at_least)


def sleepers(report: Report, run: str) -> Sleepers:
    """Those of the run with that name, as hosts remember it."""
    asleep = {
        host.instance: [process for process in host.processes if process.state in ASLEEP]
        for host in report.hosts or ()
        if host.asleep_by == run
    }
    asleep = {host: processes for host, processes in asleep.items() if processes}
    every = [process for processes in asleep.values() for process in processes]
    answered = sum(report.counts.get(verdict.value, 0) for verdict in CONFIRMED | HARMLESS)
    regions = sum(problem.is_region for problem in report.problems)
    return Sleepers(
        processes=len(every),
        hosts=len(asleep),
        since=min((process.since for process in every if process.since), default=None),
        silent=sum(report.counts.values()) - answered + regions,
        at_least=bool(report.more_processes)
        or bool(report.more_hosts and any(report.processes.get(state) for state in ASLEEP)),
    )
