"""What is done for a run that has died: its commands are ended, and it is told if it could not tell itself."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from snow_white.model.run import Execution, Run
from snow_white.steps.clean_up import (
    cancel_remains,
    dead_run_error,
    execution_of,
    has_told,
    newest_state,
    state_to_tell,
)
from snow_white.steps.discover import discover
from snow_white.steps.dispatch import dispatch
from tests.lambdas.fake_cloud import START, Answer, FakeCloud, network_error
from tests.lambdas.story import request

ARN = "arn:aws:states:us-east-1:111122223333:execution:SnowWhite:night-1"
EXECUTION = Execution(ARN, "night-1", START)


@dataclass(frozen=True)
class FakeHistory:
    """A Step Functions client that knows the history of one execution, newest event first, two events a page."""

    events: list[Any]

    def get_execution_history(self, **asked: Any) -> dict[str, Any]:
        assert asked["reverseOrder"]
        start = int(asked.get("nextToken", 0))
        page: dict[str, Any] = {"events": self.events[start : start + 2]}
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


def state_of(history: list[Any]) -> Any:
    return newest_state(FakeHistory(history), ARN)  # type: ignore[arg-type]


def running(cloud: FakeCloud) -> Run:
    for region in cloud.names:
        for one in cloud[region].add_environment("shop", "shop-workers", instances=2):
            one.answers = [Answer(after=3600)]
    run = Run.planned(EXECUTION, request(), discover(request(), cloud))  # type: ignore[arg-type]
    return dispatch(run, cloud, cloud.clock.now)  # type: ignore[arg-type]


def test_the_newest_state_of_the_run_is_found_behind_events_that_have_none() -> None:
    history = [
        {"type": "ExecutionAborted"},
        {"type": "TaskScheduled", "taskScheduledEventDetails": {}},
        {"type": "TaskSubmitted"},
        entered("WaitForWorkers", {"execution": {}, "sendings": 2}),
        left("DispatchCommand", {"execution": {}, "sendings": 1}),
    ]
    assert state_of(history)["sendings"] == 2


def test_a_history_that_does_not_show_the_end_yet_is_read_again() -> None:
    told = {"execution": {}, "report": {"result": "confirmed", "slack": {"delivered": True}}}
    late = [left("PollCommand", {"execution": {}, "report": {"result": "confirmed"}})]
    complete = [{"type": "ExecutionSucceeded"}, left("NotifySlack", told), *late]
    reads = FakeHistory(late)
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            reads.events[:] = complete

    assert newest_state(reads, ARN, pause) == told  # type: ignore[arg-type]
    assert len(pauses) == 2


def test_a_history_that_never_shows_the_end_is_taken_as_it_is() -> None:
    pauses: list[float] = []
    state = {"execution": {}, "sendings": 1}
    history = FakeHistory([left("DispatchCommand", state)])
    assert newest_state(history, ARN, pauses.append) == state  # type: ignore[arg-type]
    assert 10 < sum(pauses) < 30


def ended_as(status: str, **state: Any) -> Any:
    return state_to_tell(state, EXECUTION, {"status": status, "error": "Some.Error", "cause": "something"})


@pytest.mark.parametrize(("status", "result"), [("SUCCEEDED", "confirmed"), ("FAILED", "not_confirmed")])
def test_a_run_that_could_not_tell_is_told_by_its_own_report(status: str, result: str) -> None:
    report = {"result": result, "counts": {}}
    assert ended_as(status, report=report)["report"] == report


@pytest.mark.parametrize(
    ("status", "result"),
    [
        ("ABORTED", "confirmed"),
        ("TIMED_OUT", "confirmed"),
        ("FAILED", "confirmed"),
        ("ABORTED", "not_confirmed"),
    ],
)
def test_a_report_that_the_execution_s_end_contradicts_is_not_told(status: str, result: str) -> None:
    state = ended_as(status, report={"result": result})
    assert state["report"] is None
    assert "Some.Error" in state["error"]["Cause"]


def test_an_error_that_the_machine_has_caught_is_told_and_not_that_telling_failed() -> None:
    caught = {"Error": "InvalidRequest", "Cause": "'action' is missing."}
    assert ended_as("FAILED", error=caught)["error"] == caught
    assert "aborted" in ended_as("ABORTED", error=caught)["error"]["Cause"]


@pytest.mark.parametrize("report", [None, {"result": "not_confirmed"}])
def test_of_a_success_nothing_is_told_that_its_report_does_not_say(report: object) -> None:
    assert ended_as("SUCCEEDED", report=report) is None


def test_the_raw_input_of_a_run_that_died_at_once_is_no_state() -> None:
    assert state_of([{"type": "ExecutionAborted"}, entered("ReceiveRequest", {"action": "quiet"})]) == {}


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({}, False),
        ({"report": None}, False),
        ({"report": {"result": "confirmed"}}, False),
        ({"report": {"result": "confirmed", "slack": {"delivered": False}}}, True),
    ],
)
def test_a_run_has_told_when_its_report_says_who_was_told(state: dict[str, Any], told: bool) -> None:
    assert has_told(state) is told


def test_what_goes_on_is_cancelled_in_every_region() -> None:
    cloud = FakeCloud()
    run = running(cloud)
    cancelled, failed = cancel_remains(run.to_json(), EXECUTION, cloud)  # type: ignore[arg-type]
    assert (cancelled, failed) == (2, [])
    assert all(command.cancelled for region in cloud.regions.values() for command in region.commands)


def test_commands_that_the_state_does_not_know_yet_are_found_by_their_comment() -> None:
    cloud = FakeCloud()
    before_the_sending = replace(running(cloud), commands={})
    cancelled, _ = cancel_remains(before_the_sending.to_json(), EXECUTION, cloud)  # type: ignore[arg-type]
    assert cancelled == 2


def test_what_has_ended_is_left_alone() -> None:
    cloud = FakeCloud()
    run = running(cloud)
    cloud.clock.advance(4000)
    assert cancel_remains(run.to_json(), EXECUTION, cloud) == (0, [])  # type: ignore[arg-type]


def test_a_region_that_does_not_answer_keeps_no_other_from_being_cleaned() -> None:
    cloud = FakeCloud()
    run = running(cloud)
    cloud["eu-west-1"].down = network_error()
    cancelled, failed = cancel_remains(run.to_json(), EXECUTION, cloud)  # type: ignore[arg-type]
    assert cancelled == 1
    assert "eu-west-1" in failed[0]


@pytest.mark.parametrize("state", [{}, {"request": "quiet", "plan": []}, {"request": {"action": "quiet"}}])
def test_a_run_that_never_had_a_plan_has_nothing_to_clean(state: dict[str, Any]) -> None:
    assert cancel_remains(state, EXECUTION, FakeCloud()) == (0, [])  # type: ignore[arg-type]


@pytest.mark.parametrize("status", ["ABORTED", "TIMED_OUT", "FAILED"])
def test_a_dead_run_says_what_ended_it(status: str) -> None:
    error = dead_run_error(status, {"error": "States.Runtime", "cause": "no such path"})
    assert error["Cause"].startswith("The run was ended: it ")
    assert error["Cause"].endswith("States.Runtime no such path")


def test_the_event_names_the_execution_and_its_start() -> None:
    started = int((START - timedelta(minutes=1)).timestamp() * 1000)
    execution = execution_of({"executionArn": ARN, "name": "night-1", "startDate": started}, START)
    assert execution == Execution(ARN, "night-1", START - timedelta(minutes=1))
