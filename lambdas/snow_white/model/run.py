"""The run: the state of one execution, passed as JSON from step to step.

It holds groups, command ids and counts, but no instances. A run of 10,000 instances has about 200 command ids,
far below the 256 KB that a state may have. Every step looks up the instances in scope again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from snow_white.model.fleet import Members, RegionPlan
from snow_white.model.lease import Lease
from snow_white.model.progress import Progress
from snow_white.model.report import Report
from snow_white.model.request import Request
from snow_white.model.slack_state import SlackState
from snow_white.model.stragglers import Stragglers
from snow_white.model.termination import Heartbeats

ANOTHER_RUN: Final = "another run"
"""What stands in `waiting_for` in place of a region."""
# Two days of waiting are 960 turns of about 15 history events, of the 25,000 that an execution may have.
_BETWEEN_LOOKS_SECONDS: Final = 180


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


@dataclass(frozen=True)
class CommandReading:
    """The last reading of one command: how many of its invocations have ended, and how many of those confirmed.

    `completed` is -1 if an instance must be sent to again, so that the next poll reads the command again.
    """

    completed: int = 0
    confirmed: int = 0


@dataclass(frozen=True)
class Run:
    """The state of one execution; serialisation.py reads and writes it.

    Attributes:
        plan: regions with matching groups only.
        waiting_for: before the plan is complete, the regions that have not answered yet, and why.
        unanswered_since: before the plan is complete, the first look of those in a row that lacked a region; or None.
        commands: ids of the commands sent, by region.
        sendings: how often DispatchCommand has sent; the commands' comments contain this number.
        fruitless_sendings: how many sendings in a row have reached no instance in the final phase.
        refusals: the errors of the last sending, by instance id or region; capped.
        refused_since: by region that refuses to be looked at, the first time of the refusals in a row.
        gone: by region, ids that were sent to and have ended, so that EC2 is asked for each of them once; capped.
        hidden_since: by region and id, since when EC2 has not known an instance that was there; capped.
        unsent: by region, ids that were there and were not sent to yet, so that none is forgotten; capped.
        readings: by region and short command id; the next poll reads a command that is missing here.
        renewals: how many sendings the final phase has made to renew stale confirmations.
        renewed_at: when the last of these was made.
        rechecked_at: when those that were confirmed were last asked whether they still are, while others worked.
        lagging_since: since when the list of answers has lacked one of a command that reads as ended; or None.
        silent_region_polls: how many polls in a row have waited only for a region outside the plan.
        environments_read_at: when the groups were last read.
        instances_read_at: when all instances were last read; None if they are to be read at the next poll.
        dispatched_at: when the first command was sent; the timeout counts from here.
        announced, announced_at: the progress last shown in Slack, and when.
        report: None until the run has finished.
        lease: None until it was arranged, and for a run without one.
        heartbeats: None before the first poll, and for a run without a lifecycle action.
    """

    execution: Execution
    request: Request
    plan: tuple[RegionPlan, ...]
    waiting_for: Mapping[str, str] = field(default_factory=dict)
    unanswered_since: datetime | None = None
    commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sendings: int = 0
    fruitless_sendings: int = 0
    refusals: Mapping[str, str] = field(default_factory=dict)
    refused_since: Mapping[str, datetime] = field(default_factory=dict)
    gone: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hidden_since: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)
    unsent: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    readings: Mapping[str, Mapping[str, CommandReading]] = field(default_factory=dict)
    renewals: int = 0
    renewed_at: datetime | None = None
    rechecked_at: datetime | None = None
    lagging_since: datetime | None = None
    silent_region_polls: int = 0
    environments_read_at: datetime | None = None
    instances_read_at: datetime | None = None
    dispatched_at: datetime | None = None
    progress: Progress = field(default_factory=Progress)
    stragglers: Stragglers = field(default_factory=Stragglers)
    announced: Progress = field(default_factory=Progress)
    announced_at: datetime | None = None
    outcome: Outcome = Outcome.WORKING
    wait_seconds: int = 0
    slack: SlackState = field(default_factory=SlackState)
    report: Report | None = None
    lease: Lease | None = None
    heartbeats: Heartbeats | None = None

    @property
    def waits_for_others(self) -> bool:
        """Whether the run waits while an opposite one is under way; any other run fails then.

        It is a wake that was scheduled: nobody is there to start it again later.
        """
        return self.request.only_asleep_by is not None

    def waiting_for_run(self, why: str) -> Run:
        """The run while an opposite one is under way; `why` is the sentence about that one."""
        return replace(self, waiting_for={ANOTHER_RUN: why}, wait_seconds=_BETWEEN_LOOKS_SECONDS)

    @property
    def deadline(self) -> datetime | None:
        """When the hosts' scripts must have ended; None before the first sending."""
        if self.dispatched_at is None:
            return None
        return self.dispatched_at + timedelta(seconds=self.request.timeout_seconds)

    def seconds_left(self, now: datetime) -> float:
        """Seconds until the deadline, negative after it; the whole timeout before the first sending."""
        return (self.deadline - now).total_seconds() if self.deadline else float(self.request.timeout_seconds)

    def region_plan(self, region: str) -> RegionPlan:
        """The plan's part for a region that is in it."""
        return next(part for part in self.plan if part.region == region)

    def members(self, part: RegionPlan) -> Members:
        """How EC2 tells the fleet's instances in a region of the plan."""
        return self.request.fleet.members(part.groups)

    def members_in(self, region: str) -> Members:
        """The same, for a region that is in the plan."""
        return self.members(self.region_plan(region))

    @classmethod
    def planned(
        cls,
        execution: Execution,
        request: Request,
        plan: tuple[RegionPlan, ...],
        waiting_for: Mapping[str, str] | None = None,
        unsent: Mapping[str, tuple[str, ...]] | None = None,
    ) -> Run:
        """A run before anything was sent."""
        return cls(execution, request, (), waiting_for or {}).with_plan(plan, unsent or {})

    def with_plan(self, plan: tuple[RegionPlan, ...], unsent: Mapping[str, tuple[str, ...]]) -> Run:
        """The run with what was found in all of its regions."""
        progress = Progress(0, sum(part.instances for part in plan))
        return replace(self, plan=plan, unsent=unsent, progress=progress)
