"""The run: what one execution knows, carried as JSON from state to state.

It holds environments, command ids and counts, never the instances of a run: 10,000 of them are about 200 command
ids, far from the 256 KB that a state may have. Who is in scope is asked anew at every step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from snow_white.aws.environments import Environment
from snow_white.model.request import Request
from snow_white.model.stragglers import Asking

# After the deadline the hosts' last answers arrive and workers confirmed long before are proven once more.
GRACE: Final = timedelta(seconds=120)


class Outcome(StrEnum):
    """Where the state machine goes after a poll."""

    WORKING = "working"
    PROGRESS = "progress"
    SEND = "send"
    FINISHED = "finished"


@dataclass(frozen=True)
class Execution:
    """The execution of the state machine, from its context object."""

    arn: str
    name: str
    started_at: datetime

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Execution:
        return cls(raw["arn"], raw["name"], datetime.fromisoformat(raw["started_at"]))

    def to_json(self) -> dict[str, Any]:
        return {"arn": self.arn, "name": self.name, "started_at": self.started_at.isoformat()}


@dataclass(frozen=True)
class RegionPlan:
    """One region's part of a run: its matching environments, and what was found there at the start."""

    region: str
    environments: tuple[Environment, ...]
    instances: int = 0
    unmanaged: int = 0

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> RegionPlan:
        return cls(
            region=raw["region"],
            environments=tuple(Environment(**one) for one in raw["environments"]),
            instances=raw["instances"],
            unmanaged=raw["unmanaged"],
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "region": self.region,
            "environments": [{"name": one.name, "id": one.id} for one in self.environments],
            "instances": self.instances,
            "unmanaged": self.unmanaged,
        }


@dataclass(frozen=True)
class Progress:
    """How many instances have been confirmed so far, of how many in scope."""

    confirmed: int = 0
    instances: int = 0

    def to_json(self) -> dict[str, int]:
        return {"confirmed": self.confirmed, "instances": self.instances}


@dataclass(frozen=True)
class Seen:
    """What was last read of one command: how many of its instances had ended, how many of them confirmed.

    `completed` is -1 while one of them is to be sent to again, so that it is read again.
    """

    completed: int
    confirmed: int


@dataclass(frozen=True)
class Run:
    """One execution's knowledge.

    Attributes:
        plan: regions with matching environments only.
        commands: ids of the commands sent, by region.
        sendings: how often DispatchCommand has sent; numbers the commands' comments.
        fruitless_sendings: how many sendings in a row reached nobody, once no command goes on any more.
        refusals: what the last sending was refused with, by instance id or region; capped.
        seen: by region and command id; what is not in it is read at the next poll.
        proofs: how many sendings were made after every command had ended, to ask the workers once more.
        proven_from: when the last of these was made.
        closing_polls: how many polls in a row have waited for nothing but a region outside the plan.
        looked_up_at: when the environments were looked up last.
        dispatched_at: when the first command was sent; the timeout counts from here.
        asking: what is known of those who take long.
        announced, announced_at: the progress last told to Slack, and when.
        slack: what notify_slack keeps: messages to edit, and who asked.
        report: the end of the run, see report.py.
    """

    execution: Execution
    request: Request
    plan: tuple[RegionPlan, ...]
    commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sendings: int = 0
    fruitless_sendings: int = 0
    refusals: Mapping[str, str] = field(default_factory=dict)
    seen: Mapping[str, Mapping[str, Seen]] = field(default_factory=dict)
    proofs: int = 0
    proven_from: datetime | None = None
    closing_polls: int = 0
    looked_up_at: datetime | None = None
    dispatched_at: datetime | None = None
    progress: Progress = Progress()
    asking: Asking = field(default_factory=Asking)
    announced: Progress = Progress()
    announced_at: datetime | None = None
    outcome: Outcome = Outcome.WORKING
    wait_seconds: int = 0
    slack: Mapping[str, Any] = field(default_factory=dict)
    report: Mapping[str, Any] | None = None

    @property
    def deadline(self) -> datetime | None:
        """When the hosts' scripts must have ended; None before the first sending."""
        if self.dispatched_at is None:
            return None
        return self.dispatched_at + timedelta(seconds=self.request.timeout_seconds)

    def seconds_left(self, now: datetime) -> float:
        """Seconds until the deadline, negative after it; the whole timeout before the first sending."""
        return (self.deadline - now).total_seconds() if self.deadline else float(self.request.timeout_seconds)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Run:
        """Read the state as it comes from the state machine."""
        return cls(
            execution=Execution.from_json(raw["execution"]),
            request=Request.from_json(raw["request"]),
            plan=tuple(RegionPlan.from_json(one) for one in raw["plan"]),
            commands={region: tuple(ids) for region, ids in raw["commands"].items()},
            sendings=raw["sendings"],
            fruitless_sendings=raw["fruitless_sendings"],
            refusals=raw["refusals"],
            seen={
                region: {command: Seen(*counts) for command, counts in commands.items()}
                for region, commands in raw["seen"].items()
            },
            proofs=raw["proofs"],
            proven_from=_time(raw["proven_from"]),
            closing_polls=raw["closing_polls"],
            looked_up_at=_time(raw["looked_up_at"]),
            dispatched_at=_time(raw["dispatched_at"]),
            progress=Progress(**raw["progress"]),
            asking=Asking.from_json(raw["asking"]),
            announced=Progress(**raw["announced"]),
            announced_at=_time(raw["announced_at"]),
            outcome=Outcome(raw["outcome"]),
            wait_seconds=raw["wait_seconds"],
            slack=raw["slack"],
            report=raw["report"],
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "execution": self.execution.to_json(),
            "request": self.request.to_json(),
            "plan": [one.to_json() for one in self.plan],
            "commands": {region: list(ids) for region, ids in self.commands.items()},
            "sendings": self.sendings,
            "fruitless_sendings": self.fruitless_sendings,
            "refusals": dict(self.refusals),
            "seen": {
                region: {command: [one.completed, one.confirmed] for command, one in commands.items()}
                for region, commands in self.seen.items()
            },
            "proofs": self.proofs,
            "proven_from": self.proven_from.isoformat() if self.proven_from else None,
            "closing_polls": self.closing_polls,
            "looked_up_at": self.looked_up_at.isoformat() if self.looked_up_at else None,
            "dispatched_at": self.dispatched_at.isoformat() if self.dispatched_at else None,
            "progress": self.progress.to_json(),
            "asking": self.asking.to_json(),
            "announced": self.announced.to_json(),
            "announced_at": self.announced_at.isoformat() if self.announced_at else None,
            "outcome": self.outcome.value,
            "wait_seconds": self.wait_seconds,
            "slack": dict(self.slack),
            "report": dict(self.report) if self.report is not None else None,
        }

    @classmethod
    def planned(cls, execution: Execution, request: Request, plan: tuple[RegionPlan, ...]) -> Run:
        """A run before anything was sent."""
        return cls(execution, request, plan, progress=Progress(0, sum(part.instances for part in plan)))


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
