"""What is known of a run while it goes on, read from the state that it left last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from snow_white.judgement.host_answer import CONFIRMATION
from snow_white.model.request import DEFAULT_TIMEOUT_SECONDS, Action

_DOING: Final = {
    Action.QUIET: "Quieting",
    Action.STOP: "Stopping",
    Action.WAKE: "Waking",
    Action.STATUS: "Asking",
}


@dataclass(frozen=True)
class Wording:
    """The words for a run, from its input, which anybody may have typed.

    Attributes:
        doing: begins a title, such as "Quieting".
        done: what is said of an instance that is confirmed, such as "quiet".
    """

    doing: str
    done: str
    application: str

    @property
    def confirmed(self) -> str:
        """The headline of a good end."""
        if self.done == CONFIRMATION[Action.STATUS]:
            return f"All workers of {self.application} have reported"
        return f"The workers of {self.application} are confirmed {self.done}"

    @property
    def not_confirmed(self) -> str:
        """The headline of every other end."""
        if self.done == CONFIRMATION[Action.STATUS]:
            return f"NOT all workers of {self.application} have reported"
        return f"The workers of {self.application} are NOT confirmed {self.done}"

    @classmethod
    def of(cls, request: object) -> Wording:
        """For any JSON that an execution was started with."""
        fields = request if isinstance(request, Mapping) else {}
        action = fields.get("action")
        known = Action(action) if isinstance(action, str) and action in set(Action) else None
        return cls(
            doing=_DOING[known] if known else "Running",
            done=CONFIRMATION[known] if known else "",
            application=str(fields.get("application") or "(no application)"),
        )


@dataclass(frozen=True)
class News:
    """How far a run is.

    Attributes:
        instances: how many are in scope; None while that is not known.
        deadline: until when the hosts have time; None before anything was sent to them.
        elapsed: since the execution's start.
        awaited: who takes long, and with how many jobs, as far as they were asked; "" while nobody was.
    """

    confirmed: int
    instances: int | None
    deadline: datetime | None
    elapsed: timedelta
    awaited: str = ""

    @classmethod
    def read(cls, run: Mapping[str, Any], started: datetime, now: datetime) -> News:
        """From the run's state; one that has only just begun has none of what is looked for."""
        progress = run.get("progress") or {}
        sent = run.get("dispatched_at")
        request = run.get("request")
        seconds = DEFAULT_TIMEOUT_SECONDS
        if isinstance(request, Mapping):
            seconds = request.get("timeout_seconds") or DEFAULT_TIMEOUT_SECONDS
        return cls(
            confirmed=progress.get("confirmed", 0),
            instances=progress.get("instances"),
            deadline=datetime.fromisoformat(sent) + timedelta(seconds=seconds) if sent else None,
            elapsed=max(now - started, timedelta(0)),
            awaited=_awaited(run.get("asking") or {}),
        )

    def numbers(self, done: str) -> str:
        """For example "37 of 40 instances quiet"."""
        if self.instances is None:
            return "looking for the instances"
        noun = "instance" if self.instances == 1 else "instances"
        return f"{self.confirmed} of {self.instances} {noun} {done}"

    def limit(self) -> str:
        """For example "until 14:30 UTC", in the time that Slack shows too; "" before anything was sent."""
        return f"until {self.deadline.astimezone(UTC):%H:%M} UTC" if self.deadline else ""


def _awaited(asking: Mapping[str, Any]) -> str:
    """From the run's `asking`, see lambdas/snow_white/awaited.py."""
    shown = [
        f"{one['environment']} {one['instance']} ({one['region']}, {_jobs(one['jobs'])})"
        for one in asking.get("awaited", ())
    ]
    if not shown:
        return ""
    more = asking.get("more", 0)
    return f"Still waiting for {', '.join(shown)}{f' and {more} more' if more else ''}"


def _jobs(count: int | None) -> str:
    if count is None:
        return "it does not say how many jobs"
    return "1 job" if count == 1 else f"{count} jobs"


def clock(elapsed: timedelta) -> str:
    """A duration as 0:07 or 26:10:00."""
    seconds = round(elapsed.total_seconds())
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"
