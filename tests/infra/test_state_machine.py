"""The state machine: waiting costs nothing, a poll is one call, and no path hides a failure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snow_white.model.request import KEYS
from snow_white.steps.pacing import seconds_to_wait
from tests.infra.templates import Json, Template

MAX_DRAIN = 172_800
MOST_EVENTS = 25_000
TRANSIENT = {
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Sandbox.Timedout",
    "States.Timeout",
    "RegionUnavailable",
}
WORK = ("DiscoverInstances", "DispatchCommand", "PollCommand")
NOTIFYING = ("AnnounceStart", "AnnounceProgress", "NotifySlack")


@pytest.fixture(scope="module")
def states(home: Template) -> dict[str, Json]:
    found: dict[str, Json] = home.machine()["States"]
    return found


def tasks(states: dict[str, Json]) -> dict[str, Json]:
    return {name: state for name, state in states.items() if state["Type"] == "Task"}


def following(state: Json) -> Iterator[str]:
    """The states that may come next, without those after errors."""
    yield from (state[key] for key in ("Next", "Default") if key in state)
    yield from (choice["Next"] for choice in state.get("Choices", []))


def chosen(choice: Json, run: Json) -> str:
    """The state that a Choice state goes to with this input, as Step Functions decides it."""
    return str(next((rule["Next"] for rule in choice["Choices"] if _holds(rule, run)), choice["Default"]))


def _holds(rule: Json, run: Json) -> bool:
    if "And" in rule:
        return all(_holds(part, run) for part in rule["And"])
    value: Any = run
    for key in rule["Variable"].removeprefix("$.").split("."):
        if not isinstance(value, dict) or key not in value:
            # Any other comparison of something absent ends the execution with States.Runtime.
            assert rule.get("IsPresent") is True, f"{rule['Variable']} is not there to be compared"
            return False
        value = value[key]
    match rule:
        case {"IsPresent": True}:
            return True
        case {"StringEquals": expected}:
            return bool(value == expected)
        case {"IsString": expected}:
            return isinstance(value, str) is expected
        case {"StringMatches": pattern}:
            return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), value, re.DOTALL) is not None
    raise AssertionError(f"a comparison of a new kind: {rule}")


def test_the_states_have_the_names_of_the_design(states: dict[str, Json]) -> None:
    assert set(states) == {
        *("ReceiveRequest", "DiscoverInstances", "AnnounceStart", "DispatchCommand", "WaitForWorkers"),
        *("PollCommand", "Outcome", "AnnounceProgress", "NotifySlack", "Confirmed"),
        *("Done", "NotConfirmed", "ReadCause", "Failed", "Broken", "Unreported"),
    }


@pytest.mark.parametrize(
    ("state", "function"),
    [
        ("DiscoverInstances", "discover_instances"),
        ("DispatchCommand", "dispatch_command"),
        ("PollCommand", "poll_command"),
        ("AnnounceStart", "notify_slack"),
        ("AnnounceProgress", "notify_slack"),
        ("NotifySlack", "notify_slack"),
    ],
)
def test_a_task_hands_the_whole_run_to_the_function_of_its_name(
    state: str, function: str, states: dict[str, Json], home: Template
) -> None:
    parameters = states[state]["Parameters"]
    assert home.function_name(parameters["FunctionName"]) == function
    assert parameters["Payload"] == {
        "step.$": "$$.State.Name",
        "run.$": "$",
        "redrives.$": "$$.Execution.RedriveCount",
    }
    assert states[state]["OutputPath"] == "$.Payload"


def test_the_run_starts_with_the_request_and_with_what_only_the_machine_knows(
    states: dict[str, Json],
) -> None:
    assert states["ReceiveRequest"]["Parameters"] == {
        "request.$": "$",
        "execution": {
            "arn.$": "$$.Execution.Id",
            "name.$": "$$.Execution.Name",
            "started_at.$": "$$.Execution.StartTime",
        },
    }


def test_every_task_retries_errors_by_name_and_transient_ones_only(states: dict[str, Json]) -> None:
    for name, task in tasks(states).items():
        retried = {error for retry in task["Retry"] for error in retry["ErrorEquals"]}
        assert retried, name
        assert retried <= TRANSIENT, name
    for name in WORK:
        assert {error for retry in states[name]["Retry"] for error in retry["ErrorEquals"]} == TRANSIENT


def test_retries_of_steps_last_for_minutes_and_are_random(states: dict[str, Json]) -> None:
    for name in WORK:
        (retry,) = states[name]["Retry"]
        assert {key: value for key, value in retry.items() if key != "ErrorEquals"} == {
            "IntervalSeconds": 2,
            "BackoffRate": 2,
            "MaxAttempts": 6,
            "MaxDelaySeconds": 60,
            "JitterStrategy": "FULL",
        }


def test_any_error_of_a_step_goes_to_slack_with_the_error(states: dict[str, Json]) -> None:
    for name in WORK:
        assert states[name]["Catch"] == [
            {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "NotifySlack"}
        ]


def test_an_error_of_slack_never_changes_the_path_of_a_run(states: dict[str, Json]) -> None:
    for name in NOTIFYING:
        (caught,) = states[name]["Catch"]
        assert caught["ErrorEquals"] == ["States.ALL"]
        assert caught["ResultPath"] == "$.slack_error"
        assert caught["Next"] == states[name]["Next"]


def test_a_wait_of_more_than_minutes_is_a_wait_state(states: dict[str, Json], home: Template) -> None:
    assert states["WaitForWorkers"]["SecondsPath"] == "$.wait_seconds"
    for task in tasks(states).values():
        assert task["Resource"].endswith(":states:::lambda:invoke")
        assert task["TimeoutSeconds"] <= 330
    for function in home.resources("AWS::Lambda::Function").values():
        assert function["Timeout"] == 300


def test_a_function_that_takes_too_long_is_ended_by_lambda_before_the_machine_gives_up(
    states: dict[str, Json], home: Template
) -> None:
    for task in tasks(states).values():
        function = home.function(home.function_name(task["Parameters"]["FunctionName"]))
        assert function["Timeout"] < task["TimeoutSeconds"]


def test_a_poll_turn_is_one_function_call_whatever_the_plan(states: dict[str, Json]) -> None:
    assert {state["Type"] for state in states.values()}.isdisjoint({"Map", "Parallel"})
    turn, name = ["WaitForWorkers"], states["WaitForWorkers"]["Next"]
    while name not in turn:
        turn.append(name)
        name = chosen(states[name], {"outcome": "working"}) if name == "Outcome" else states[name]["Next"]
    assert (turn, name) == (["WaitForWorkers", "PollCommand", "Outcome"], "WaitForWorkers")


def test_the_history_of_the_longest_run_stays_under_the_limit_even_if_every_poll_notifies_and_sends() -> None:
    wait_task_and_choice, one_more_task = 9, 5
    elapsed, events = 0.0, 100
    while elapsed < MAX_DRAIN:
        elapsed += seconds_to_wait(elapsed, MAX_DRAIN - elapsed)
        events += wait_task_and_choice + 2 * one_more_task
    assert events < MOST_EVENTS


@pytest.mark.parametrize(
    ("outcome", "goes_to"),
    [
        ("working", "WaitForWorkers"),
        ("progress", "AnnounceProgress"),
        ("send", "DispatchCommand"),
        ("finished", "NotifySlack"),
        ("a word nobody knows", "Unreported"),
    ],
)
def test_the_outcome_of_a_poll_decides_what_is_next(
    outcome: str, goes_to: str, states: dict[str, Json]
) -> None:
    assert chosen(states["Outcome"], {"outcome": outcome}) == goes_to


def test_a_run_succeeds_only_by_a_confirmed_report(states: dict[str, Json]) -> None:
    succeeding = [name for name, state in states.items() if state["Type"] == "Succeed"]
    assert succeeding == ["Done"]
    assert states["Done"]["OutputPath"] == "$.report"
    assert [name for name, state in states.items() if "Done" in following(state)] == ["Confirmed"]
    assert not any(state.get("End") for state in states.values())


@given(result=st.text().filter(lambda text: text != "confirmed"))
def test_a_report_of_anything_else_fails_with_the_report_s_own_words(
    states: dict[str, Json], result: str
) -> None:
    report = {"result": result, "error": "WorkersNotQuiet", "cause": "A sentence."}
    assert chosen(states["Confirmed"], {"report": report}) == "NotConfirmed"
    assert states["NotConfirmed"]["ErrorPath"] == "$.report.error"
    assert states["NotConfirmed"]["CausePath"] == "$.report.cause"


@pytest.mark.parametrize(
    "run",
    [
        {},
        {"report": None},
        {"report": "quiet"},
        {"report": {}},
        {"report": {"result": None}},
        {"report": {"result": "failed"}},
        {"report": {"result": "failed", "error": "Busy", "cause": None}},
        {"error": {"Error": "States.Timeout"}},
    ],
)
def test_a_run_without_a_complete_report_fails_and_says_where_to_look(
    run: Json, states: dict[str, Json]
) -> None:
    assert chosen(states["Confirmed"], run) == "Unreported"
    assert states["Unreported"]["Type"] == "Fail"
    assert "history" in states["Unreported"]["Cause"]


def test_without_a_report_the_error_of_the_step_that_failed_first_is_told(states: dict[str, Json]) -> None:
    raised = {"errorMessage": "No environment matches.", "errorType": "NothingMatched", "stackTrace": []}
    for cause in (json.dumps(raised), json.dumps(raised, separators=(",", ":"))):
        assert (
            chosen(states["Confirmed"], {"error": {"Error": "NothingMatched", "Cause": cause}}) == "ReadCause"
        )
    read = states["ReadCause"]
    assert read["Parameters"] == {"cause.$": "States.StringToJson($.error.Cause)"}
    assert (read["ResultPath"], read["Next"]) == ("$.caught", "Failed")
    assert states["Failed"]["ErrorPath"] == states["Broken"]["ErrorPath"] == "$.error.Error"
    assert states["Failed"]["CausePath"] == "$.caught.cause.errorMessage"


@pytest.mark.parametrize(
    "cause",
    [
        "The cause could not be determined because Lambda did not return an error type.",
        'Returned payload: {"errorMessage":"Task timed out after 300.00 seconds"}',
        '{"errorMessage":"cut off at 32,768 charac',
    ],
)
def test_an_error_in_plain_text_is_told_as_it_is(states: dict[str, Json], cause: str) -> None:
    run = {"error": {"Error": "Lambda.Unknown", "Cause": cause}}
    assert chosen(states["Confirmed"], run) == "Broken"
    assert states["Broken"]["CausePath"] == "$.error.Cause"


def test_a_report_goes_before_an_error(states: dict[str, Json]) -> None:
    run = {
        "report": {"result": "not_confirmed", "error": "NotConfirmed", "cause": "A sentence."},
        "error": {"Error": "NothingMatched", "Cause": '{"errorMessage": "x"}'},
    }
    assert chosen(states["Confirmed"], run) == "NotConfirmed"


def test_the_machine_outlives_the_longest_drain_and_leaves_traces(home: Template) -> None:
    machine = home.only("AWS::StepFunctions::StateMachine")
    assert home.machine()["TimeoutSeconds"] == MAX_DRAIN + 3 * 3600
    assert machine["StateMachineType"] == "STANDARD"
    assert machine["TracingConfiguration"] == {"Enabled": True}
    assert machine["LoggingConfiguration"]["Level"] == "ALL"
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False


def test_the_machine_s_comment_has_an_example_input(home: Template) -> None:
    assert '{"action": "quiet", "application": "NAME"}' in home.machine()["Comment"]


def test_the_machine_s_comment_names_every_key_that_a_request_may_have(home: Template) -> None:
    assert [key for key in KEYS if f'"{key}"' not in home.machine()["Comment"]] == []
