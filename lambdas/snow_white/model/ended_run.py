"""A run that has ended, in whatever state: the data needed to report its end and to cancel its commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from snow_white.model.fleet import RegionPlan
from snow_white.model.lease import Lease
from snow_white.model.progress import Progress
from snow_white.model.report import Report
from snow_white.model.run import Execution
from snow_white.model.slack_state import SlackState
from snow_white.model.stated_request import StatedRequest
from snow_white.model.termination import Heartbeats


@dataclass(frozen=True)
class StepError:
    """The error that ended a run: its `name` in Step Functions, and its `cause`, which is text or JSON."""

    name: str = ""
    cause: str = ""


@dataclass(frozen=True)
class EndedRun:
    """A run as the last state of its execution shows it; serialisation.py reads and writes it.

    Attributes:
        request: the request, which may be invalid.
        plan: empty if the run ended before it had one.
        stopped_by: who stopped the run, as the cause of its end says it: a name or an ARN; "" if it does not.
        stopped_at: when the execution was stopped or timed out; None if neither happened.
        report: None if the run ended before its last poll; `error` then says why.
    """

    execution: Execution
    request: StatedRequest = field(default_factory=StatedRequest)
    plan: tuple[RegionPlan, ...] = ()
    commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    dispatched_at: datetime | None = None
    progress: Progress = field(default_factory=Progress)
    slack: SlackState = field(default_factory=SlackState)
    report: Report | None = None
    error: StepError | None = None
    stopped_by: str = ""
    stopped_at: datetime | None = None
    lease: Lease | None = None
    heartbeats: Heartbeats | None = None

    @property
    def end_was_announced(self) -> bool:
        """Whether a step has tried to announce the end in Slack; the report then says who was notified."""
        return self.report is not None and self.report.slack is not None
