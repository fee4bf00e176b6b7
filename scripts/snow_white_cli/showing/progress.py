"""The progress of a run, read from the newest state of its execution."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from snow_white.model.counts import counted
from snow_white.model.lease import Lease
from snow_white.model.run_so_far import RunSoFar
from snow_white.model.stragglers import Stragglers
from snow_white_cli.showing.visible_text import visible


@dataclass(frozen=True)
class RunProgress:
    """How far a run is.

    Attributes:
        confirmed: the number of confirmed instances.
        instances: the number of instances in scope; None while it is not known.
        deadline: when the hosts' time is over; None before the first command was sent.
        elapsed: the time since the execution started.
        stragglers: a sentence that lists the stragglers and their jobs; "" if none are known.
        lease: a sentence that says when the workers will be woken, or why not; "" if nothing was arranged.
    """

    confirmed: int
    instances: int | None
    deadline: datetime | None
    elapsed: timedelta
    stragglers: str = ""
    lease: str = ""

    @classmethod
    def read(cls, run: RunSoFar, started: datetime, now: datetime) -> RunProgress:
        """The progress that the run's newest state shows."""
        return cls(
            confirmed=run.progress.confirmed if run.progress else 0,
            instances=run.progress.instances if run.progress else None,
            deadline=run.deadline,
            elapsed=max(now - started, timedelta(0)),
            stragglers=_stragglers(run.stragglers),
            lease=lease_sentence(run.lease),
        )

    def numbers(self, done: str) -> str:
        """For example "37 of 40 instances quiet"."""
        if self.instances is None:
            return "looking up the instances"
        return f"{self.confirmed} of {counted(self.instances, 'instance')} {done}"

    def deadline_text(self) -> str:
        """For example "until 14:30 UTC"; "" before the first command was sent."""
        return f"until {self.deadline.astimezone(UTC):%H:%M} UTC" if self.deadline else ""


def lease_sentence(lease: Lease | None) -> str:
    """When the workers will be woken, or why they will not be; "" for a run without a lease."""
    if lease is None:
        return ""
    if lease.wakes_at is None:
        return f"Nothing will wake them: {visible(lease.failure)}"
    return (
        f"They will be woken at {lease.wakes_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC if nobody does it before."
    )


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
