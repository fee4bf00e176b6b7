"""A run that has ended, read from the history of its execution."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from snow_white.model.ended_run import EndedRun
from snow_white.model.run import Execution
from snow_white.model.serialisation import from_json
from snow_white.model.stopping import who_stopped

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_stepfunctions.type_defs import HistoryEventTypeDef

_HISTORY_PAGES: Final = 5
# Seconds: Step Functions does not promise that an execution's history is complete as soon as its end is announced.
_UNTIL_COMPLETE: Final = (1, 2, 4, 8)
_ENDS: Final = frozenset({"ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"})


@dataclass(frozen=True)
class ExecutionEnd:
    """How an execution ended, from a "Step Functions Execution Status Change" event.

    Attributes:
        status: SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
        stopped_at: milliseconds; an execution that is redriven ends once more, at another time.
        redrives: how often the execution was redriven; None if the event does not say it.
    """

    execution: Execution
    status: str
    stopped_at: int | None = None
    error: str | None = None
    cause: str | None = None
    redrives: int | None = None

    @property
    def ended_at(self) -> datetime | None:
        """When the execution ended; None if the event does not say it."""
        return datetime.fromtimestamp(self.stopped_at / 1000, tz=UTC) if self.stopped_at else None

    @classmethod
    def read(cls, detail: Mapping[str, Any], now: datetime) -> ExecutionEnd:
        """From the event's detail, whose times are in milliseconds."""
        started = detail.get("startDate")
        started_at = datetime.fromtimestamp(started / 1000, tz=now.tzinfo or UTC) if started else now
        return cls(
            Execution(detail["executionArn"], detail["name"], started_at),
            detail["status"],
            detail.get("stopDate"),
            detail.get("error"),
            detail.get("cause"),
            detail.get("redriveCount"),
        )


def read_ended_run(
    client: SFNClient, execution: Execution, sleep: Callable[[float], None] = time.sleep
) -> EndedRun:
    """The run as its newest state has it; a bare one when it died before its first step.

    A history that lacks the end may lack who was told as well, so it is read again for some seconds.
    """
    for pause in _UNTIL_COMPLETE:
        complete, run = _read_history(client, execution)
        if complete:
            return run
        sleep(pause)
    return _read_history(client, execution)[1]


def _read_history(client: SFNClient, execution: Execution) -> tuple[bool, EndedRun]:
    """Whether it shows the execution's end, and the run in the newest state that holds one.

    Only the history has the error and the cause of an execution that was stopped; the event about its end has neither.
    """
    complete = False
    stopped_by = ""
    token: str | None = None
    for _ in range(_HISTORY_PAGES):
        page = client.get_execution_history(
            executionArn=execution.arn,
            reverseOrder=True,
            maxResults=100,
            includeExecutionData=True,
            **({"nextToken": token} if token else {}),
        )
        for event in page["events"]:
            complete = complete or event["type"] in _ENDS
            stop = event.get("executionAbortedEventDetails", {})
            stopped_by = stopped_by or who_stopped(stop.get("error"), stop.get("cause"))
            run = _run_in(event, execution)
            if run is not None:
                return complete, replace(run, stopped_by=stopped_by)
        token = page.get("nextToken")
        if not token:
            break
    return complete, EndedRun(execution, stopped_by=stopped_by)


def _run_in(event: HistoryEventTypeDef, execution: Execution) -> EndedRun | None:
    left, entered = event.get("stateExitedEventDetails", {}), event.get("stateEnteredEventDetails", {})
    text = left.get("output") or entered.get("input")
    state = json.loads(text) if text else None
    if not isinstance(state, dict) or "execution" not in state:
        return None
    # The event's own words for the execution count: an old state may lack some.
    known = {"arn": execution.arn, "name": execution.name, "started_at": execution.started_at.isoformat()}
    return from_json({**state, "execution": known}, EndedRun)
