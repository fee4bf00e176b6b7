"""What is known of a run while it goes on, read from the state that it left last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from snow_white.model.action import Action
from snow_white.model.counts import counted
from snow_white.model.run_so_far import RunSoFar
from snow_white.model.stated_request import StatedRequest
from snow_white.model.stragglers import Stragglers


@dataclass(frozen=True)
class Wording:
    """The words for a run, from its input, which anybody may have typed.

    `action` is None for an input that names no action there is.
    """

    action: Action | None
    application: str

    @property
    def doing(self) -> str:
        """Begins a title, such as "Quieting"."""
        return self.action.doing if self.action else "Running"

    @property
    def done(self) -> str:
        """What is said of an instance that is confirmed, such as "quiet"."""
        return self.action.result if self.action else ""

    @property
    def confirmed(self) -> str:
        """The headline of a good end."""
        if self.action is Action.STATUS:
            return f"All workers of {self.application} have reported"
        return f"The workers of {self.application} are confirmed {self.done}"

    @property
    def not_confirmed(self) -> str:
        """The headline of every other end."""
        if self.action is Action.STATUS:
            return f"NOT all workers of {self.application} have reported"
        return f"The workers of {self.application} are NOT confirmed {self.done}"

    @classmethod
    def of(cls, request: object) -> Wording:
        """For any JSON that an execution was started with."""
        stated = StatedRequest.read(request)
        return cls(Action.known(stated.action), str(stated.application or "(no application)"))


@dataclass(frozen=True)
class News:
    """How far a run is.

    Attributes:
        instances: how many are in scope; None while that is not known.
        deadline: until when the hosts have time; None before anything was sent to them.
        elapsed: since the execution's start.
        stragglers: who takes long, and with how many jobs, as far as they were asked; "" while nobody was.
    """

    confirmed: int
    instances: int | None
    deadline: datetime | None
    elapsed: timedelta
    stragglers: str = ""

    @classmethod
    def read(cls, run: RunSoFar, started: datetime, now: datetime) -> News:
        """From the run's newest state; one that has only just begun has none of what is looked for."""
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
            return "looking for the instances"
        return f"{self.confirmed} of {counted(self.instances, 'instance')} {done}"

    def limit(self) -> str:
        """For example "until 14:30 UTC", in the time that Slack shows too; "" before anything was sent."""
        return f"until {self.deadline.astimezone(UTC):%H:%M} UTC" if self.deadline else ""


def _stragglers(known: Stragglers) -> str:
    shown = [
        f"{one.environment} {one.instance} ({one.region}, "
        f"{'it does not say how many jobs' if one.jobs is None else counted(one.jobs, 'job')})"
        for one in known.listed
    ]
    if not shown:
        return ""
    return f"Still waiting for {', '.join(shown)}{f' and {known.more} more' if known.more else ''}"


def clock(elapsed: timedelta) -> str:
    """A duration as 0:07 or 26:10:00."""
    seconds = round(elapsed.total_seconds())
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"
