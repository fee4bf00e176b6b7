"""Executions end, retry, wait and fail as they do on AWS."""

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.workbench import Workbench
from tests.patience import eventually

WAIT_AN_HOUR: dict[str, Any] = {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}


def test_an_execution_ends_at_the_machines_timeout(workbench: Workbench) -> None:
    ended = workbench.run(WAIT_AN_HOUR, TimeoutSeconds=1)

    assert ended["status"] == "TIMED_OUT"
    assert [event["type"] for event in workbench.events(ended["executionArn"])][-1] == "ExecutionTimedOut"


def test_a_stopped_execution_stays_aborted_and_is_not_retried(workbench: Workbench, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    retry = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 10, "MaxAttempts": 3, "BackoffRate": 1}
    machine = workbench.machine({"Work": workbench.task(Retry=[retry], End=True)})
    execution = workbench.start(machine, {"marks": str(marks)})
    eventually(marks.exists, "the function has been invoked")

    workbench.states.stop_execution(executionArn=execution, error="Stopped", cause="by hand")
    another = workbench.run({"Wait": {"Type": "Wait", "Seconds": 12, "End": True}})

    assert another["status"] == "SUCCEEDED"
    assert len(marks.read_text().splitlines()) == 1
    described = workbench.ended(execution)
    assert (described["status"], described["error"], described["cause"]) == ("ABORTED", "Stopped", "by hand")
    assert workbench.events(execution)[-1]["type"] == "ExecutionAborted"


def test_a_failed_execution_has_an_error_and_a_cause_but_no_output(workbench: Workbench) -> None:
    fail = {"Type": "Fail", "ErrorPath": "$.report.error", "CausePath": "$.report.cause"}
    ended = workbench.run(
        {"NotConfirmed": fail}, {"report": {"error": "Busy", "cause": "Two workers are busy."}}
    )

    assert (ended["status"], ended["error"], ended["cause"]) == ("FAILED", "Busy", "Two workers are busy.")
    assert "output" not in ended


def test_an_end_is_described_completely_or_not_at_all(workbench: Workbench) -> None:
    machine = workbench.machine(
        {
            "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Ends"},
            "Ends": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.well", "BooleanEquals": True, "Next": "Done"}],
                "Default": "Failed",
            },
            "Done": {"Type": "Succeed"},
            "Failed": {"Type": "Fail", "Error": "Busy", "Cause": "Two workers are busy."},
        }
    )

    def first_end(well: bool) -> dict[str, Any]:
        execution = workbench.start(machine, {"well": well})
        while (described := workbench.states.describe_execution(executionArn=execution))[
            "status"
        ] == "RUNNING":
            pass
        seen: dict[str, Any] = described
        return seen

    with ThreadPoolExecutor(8) as at_once:
        ends = list(at_once.map(first_end, [False, True] * 16))

    found = {(end["status"], end.get("output"), end.get("error"), end.get("cause")) for end in ends}
    assert found == {
        ("SUCCEEDED", '{"well": true}', None, None),
        ("FAILED", None, "Busy", "Two workers are busy."),
    }


def test_max_delay_limits_the_wait_between_attempts(workbench: Workbench, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    retry = {
        "ErrorEquals": ["WorkerBusy"],
        "IntervalSeconds": 1,
        "BackoffRate": 50,
        "MaxAttempts": 2,
        "MaxDelaySeconds": 2,
    }
    ended = workbench.run({"Work": workbench.task(Retry=[retry], End=True)}, {"marks": str(marks)})

    assert (ended["status"], ended["error"]) == ("FAILED", "WorkerBusy")
    assert len(marks.read_text().splitlines()) == 3


def test_full_jitter_waits_less_than_the_full_delay(workbench: Workbench, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    delays = {"IntervalSeconds": 5, "BackoffRate": 1, "MaxAttempts": 4, "JitterStrategy": "FULL"}
    retry = {"ErrorEquals": ["WorkerBusy"], **delays}
    workbench.run({"Work": workbench.task(Retry=[retry], End=True)}, {"marks": str(marks)})

    times = [float(line) for line in marks.read_text().splitlines()]
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(waits) == 4
    assert min(waits) < 5 and len({round(wait, 3) for wait in waits}) > 1


def test_too_much_data_fails_the_execution_and_nothing_catches_it(workbench: Workbench) -> None:
    caught = {"ErrorEquals": ["States.ALL"], "Next": "Caught"}
    states = {"Work": workbench.task(Catch=[caught], End=True), "Caught": {"Type": "Succeed"}}

    assert workbench.run(states, {"characters": 200_000})["status"] == "SUCCEEDED"
    ended = workbench.run(states, {"characters": 262_144})
    assert (ended["status"], ended["error"]) == ("FAILED", "States.DataLimitExceeded")


def test_the_history_is_chained_and_ends_at_25000_events(workbench: Workbench) -> None:
    ended = workbench.run({"Work": workbench.task(End=True)})
    events = workbench.events(ended["executionArn"])

    assert [event["type"] for event in events] == [
        "ExecutionStarted", "TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSucceeded", "TaskStateExited",
        "ExecutionSucceeded",
    ]  # fmt: skip
    assert [event["previousEventId"] for event in events[1:]] == [event["id"] - 1 for event in events[1:]]

    endless = workbench.run({"One": {"Type": "Pass", "Next": "Two"}, "Two": {"Type": "Pass", "Next": "One"}})
    assert endless["status"] == "FAILED"
    assert "25000" in endless["cause"]


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass", "Parameters": {"there.$": "$.nowhere"}},
        {"Type": "Pass", "Parameters": {"deep": {"there.$": "$.here.nowhere"}}},
        {"Type": "Pass", "OutputPath": "$.nowhere"},
        {"Type": "Pass", "InputPath": "$.here[3]"},
        {"Type": "Wait", "SecondsPath": "$.nowhere"},
        {
            "Type": "Choice",
            "Choices": [{"Variable": "$.nowhere", "StringEquals": "x", "Next": "Done"}],
            "Default": "Done",
        },
    ],
)
def test_a_path_that_finds_nothing_fails_the_execution(workbench: Workbench, state: dict[str, Any]) -> None:
    following = {} if state["Type"] == "Choice" else {"Next": "Done"}
    ended = workbench.run({"State": {**state, **following}, "Done": {"Type": "Succeed"}}, {"here": [1]})

    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")


def test_is_present_may_name_a_path_that_finds_nothing(workbench: Workbench) -> None:
    choice = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.report", "IsPresent": True, "Next": "Bad"}],
        "Default": "Done",
    }
    ended = workbench.run({"Ask": choice, "Bad": {"Type": "Fail"}, "Done": {"Type": "Succeed"}})

    assert ended["status"] == "SUCCEEDED"


def test_the_context_names_execution_and_state(workbench: Workbench) -> None:
    shown = {
        "state.$": "$$.State.Name", "id.$": "$$.Execution.Id", "name.$": "$$.Execution.Name",
        "started.$": "$$.Execution.StartTime", "redrives.$": "$$.Execution.RedriveCount",
    }  # fmt: skip
    ended = workbench.run({"Shown": {"Type": "Pass", "Parameters": shown, "End": True}})

    output = json.loads(ended["output"])
    assert (output["state"], output["id"], output["name"]) == ("Shown", ended["executionArn"], ended["name"])
    assert output["redrives"] == 0
    assert output["started"].startswith(ended["startDate"].strftime("%Y-%m-%dT%H:%M:%S"))


def test_a_wait_takes_its_seconds_from_the_input(workbench: Workbench) -> None:
    ended = workbench.run(
        {"Wait": {"Type": "Wait", "SecondsPath": "$.wait_seconds", "End": True}}, {"wait_seconds": 1}
    )

    assert ended["status"] == "SUCCEEDED"
    assert (ended["stopDate"] - ended["startDate"]).total_seconds() >= 1


def test_starting_again_by_the_same_name_and_input_is_the_same_execution(workbench: Workbench) -> None:
    machine = workbench.machine(WAIT_AN_HOUR)
    start = workbench.states.start_execution
    first = start(stateMachineArn=machine, name="deploy-17", input='{"a": 1}')

    assert (
        start(stateMachineArn=machine, name="deploy-17", input='{"a": 1}')["executionArn"]
        == first["executionArn"]
    )
    with pytest.raises(workbench.states.exceptions.ExecutionAlreadyExists):
        start(stateMachineArn=machine, name="deploy-17", input='{"a": 2}')
    workbench.states.stop_execution(executionArn=first["executionArn"])
    with pytest.raises(workbench.states.exceptions.ExecutionAlreadyExists):
        start(stateMachineArn=machine, name="deploy-17", input='{"a": 1}')


def test_an_input_that_is_not_json_starts_nothing(workbench: Workbench) -> None:
    with pytest.raises(ClientError, match="InvalidExecutionInput"):
        workbench.states.start_execution(
            stateMachineArn=workbench.machine(WAIT_AN_HOUR), input="quiet, please"
        )
