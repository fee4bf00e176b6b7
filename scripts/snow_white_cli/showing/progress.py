"""The progress of a run, read from the newest state of its execution."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from snow_white.model.counts import counted
from snow_white.model.run_so_far import RunSoFar
from snow_white.model.stragglers import Stragglers


@dataclass(frozen=True)
class RunProgress:
    """How far a run is.

    Attributes:
        confirmed: the number of confirmed instances.
        instances: the number of instances in scope; None while it is not known.
        deadline: when the hosts' time is over; None before the first command was sent.
        elapsed: the time since the execution started.
        stragglers: a sentence that lists the stragglers and their jobs; "" if none are known.
    """

    confirmed: int
    instances: int | None
    deadline: datetime | None
    elapsed: timedelta
    stragglers: str = ""

    @classmethod
    def read(cls, run: RunSoFar, started: datetime, now: datetime) -> RunProgress:
        """The progress that the run's newest state shows."""
        return cls(
            confirmed=run.progress.confirmed if run.progress else 0,
            instances=run.progress.instances if run.progress else None,
            deadline=run.deadline,
            elapsed=max(now - started, timedelta(0)),
            stragglers=_stragglers(run.stragglers),
        )

    def numbers(self, done: str) -> str:
        """For example "37 of 40 instances quiet"."""
        if self.instances is None:
            return "looking up the instances"
        return f"{self.confirmed} of {counted(self.instances, 'instance')} {done}"

    def deadline_text(self) -> str:
        """For example "until 14:30 UTC"; "" before the first command was sent."""
        return f"until {self.deadline.astimezone(UTC):%H:%M} UTC" if self.deadline else ""


def _stragglers(known: Stragglers) -> str:
    shown = [
        f"{one.environment} {one.instance} ({one.region}, "
        f"{'jobs unknown' if one.jobs is None else counted(one.jobs, 'job')})"
        for one in known.listed
    ]
    if not shown:
        return ""
    return f"Still waiting for {', '.join(shown)}{f' and {known.more} more' if known.more else ''}"


def clock(elapsed: timedelta) -> str:
    """A duration as minutes and seconds, or with hours: 0:07, 26:10:00."""
    seconds = round(elapsed.total_seconds())
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"
