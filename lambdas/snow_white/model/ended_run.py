"""A run at its end, however far it came: what is needed to tell its end and to clean up behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from snow_white.model.fleet import RegionPlan
from snow_white.model.report import Report
from snow_white.model.run import Execution, Progress
from snow_white.model.slack_state import SlackState
from snow_white.model.stated_request import StatedRequest


@dataclass(frozen=True)
class StepError:
    """What ended the run: `name` as Step Functions calls the error, and its `cause`, text or JSON."""

    name: str = ""
    cause: str = ""


@dataclass(frozen=True)
class EndedRun:
    """What the last state of an execution says of its run; serialisation.py reads and writes it.

    Attributes:
        request: what was asked, which may be no valid request.
        plan: empty when the run died before it had one.
        report: None when no poll came to an end; then `error` says why.
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

    @property
    def has_told(self) -> bool:
        """Whether somebody has tried to tell the end: the report then says who was told."""
        return self.report is not None and self.report.slack is not None
