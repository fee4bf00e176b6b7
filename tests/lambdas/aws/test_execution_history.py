"""A run that has ended is read from the history of its execution."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from snow_white.aws.execution_history import ExecutionEnd, read_ended_run
from snow_white.model.ended_run import EndedRun
from snow_white.model.report import Delivery, Result
from snow_white.model.run import Execution
from tests.fake_client import FakeClient
from tests.lambdas.fake_cloud import START

ARN = "arn:aws:states:us-east-1:111122223333:execution:SnowWhite:night-1"
EXECUTION = Execution(ARN, "night-1", START)


@dataclass(frozen=True)
class FakeHistory(FakeClient, services=("stepfunctions",)):
    """A Step Functions client that knows the history of one execution, newest event first, two events a page."""

    events: list[Any]

    def get_execution_history(self, **asked: Any) -> dict[str, Any]:
        assert asked["reverseOrder"]
        start = int(asked.get("nextToken", 0))
        shown = enumerate(self.events[start : start + 2], start)
        events = [{"id": len(self.events) - index, "timestamp": START, **event} for index, event in shown]
        page: dict[str, Any] = {"events": events}
        if start + 2 < len(self.events):
            page["nextToken"] = str(start + 2)
        return page


def left(name: str, output: object) -> dict[str, Any]:
    return {
        "type": "TaskStateExited",
        "stateExitedEventDetails": {"name": name, "output": json.dumps(output)},
    }


def entered(name: str, given: object) -> dict[str, Any]:
    return {
        "type": "WaitStateEntered",
        "stateEnteredEventDetails": {"name": name, "input": json.dumps(given)},
    }


def run_of(history: list[Any]) -> EndedRun:
    return read_ended_run(FakeHistory(history), EXECUTION)  # type: ignore[arg-type]


def test_the_newest_state_of_the_run_is_found_behind_events_that_have_none() -> None:
    history = [
        {"type": "ExecutionAborted"},
        {
            "type": "TaskScheduled",
            "taskScheduledEventDetails": {
                "resourceType": "lambda",
                "resource": "invoke",
                "region": "us-east-1",
                "parameters": "{}",
            },
        },
        {"type": "TaskSubmitted"},
        entered("WaitForWorkers", {"execution": {}, "commands": {"us-east-1": ["c-1", "c-2"]}}),
        left("DispatchCommand", {"execution": {}, "commands": {"us-east-1": ["c-1"]}}),
    ]
    assert run_of(history).commands == {"us-east-1": ("c-1", "c-2")}


def test_a_history_that_does_not_show_the_end_yet_is_read_again() -> None:
    announced = {"execution": {}, "report": {"result": "confirmed", "slack": {"delivered": True}}}
    late = [left("PollCommand", {"execution": {}, "report": {"result": "confirmed"}})]
    complete = [{"type": "ExecutionSucceeded"}, left("NotifySlack", announced), *late]
    reads = FakeHistory(late)
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            reads.events[:] = complete

    run = read_ended_run(reads, EXECUTION, pause)  # type: ignore[arg-type]
    assert run.report is not None
    assert (run.report.result, run.report.slack) == (Result.CONFIRMED, Delivery(delivered=True))
    assert len(pauses) == 2


def test_a_history_that_never_shows_the_end_is_taken_as_it_is() -> None:
    pauses: list[float] = []
    history = FakeHistory([left("DispatchCommand", {"execution": {}, "commands": {"us-east-1": ["c-1"]}})])
    run = read_ended_run(history, EXECUTION, pauses.append)  # type: ignore[arg-type]
    assert run.commands == {"us-east-1": ("c-1",)}
    assert 10 < sum(pauses) < 30


def test_the_raw_input_of_a_run_that_died_at_once_is_no_state() -> None:
    history = [{"type": "ExecutionAborted"}, entered("ReceiveRequest", {"action": "quiet"})]
    assert run_of(history) == EndedRun(EXECUTION)


@pytest.mark.parametrize(
    ("state", "announced"),
    [
        ({}, False),
        ({"report": None}, False),
        ({"report": {"result": "confirmed"}}, False),
        ({"report": {"result": "confirmed", "slack": {"delivered": False}}}, True),
    ],
)
def test_an_end_was_announced_if_the_report_says_who_was_notified(
    state: dict[str, Any], announced: bool
) -> None:
    history = [{"type": "ExecutionSucceeded"}, left("NotifySlack", {"execution": {}, **state})]
    assert run_of(history).end_was_announced is announced


def test_the_event_names_the_execution_its_start_and_how_it_ended() -> None:
    started = int((START - timedelta(minutes=1)).timestamp() * 1000)
    detail = {"executionArn": ARN, "name": "night-1", "status": "FAILED", "startDate": started, "stopDate": 7}
    end = ExecutionEnd.read({**detail, "error": "NotConfirmed", "cause": "1 of 2."}, START)
    assert end.execution == Execution(ARN, "night-1", START - timedelta(minutes=1))
    assert (end.status, end.stopped_at, end.error, end.cause) == ("FAILED", 7, "NotConfirmed", "1 of 2.")
