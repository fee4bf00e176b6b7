"""The interpreter of the States Language: paths, states, events and limits."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from tests.soak.cloud.clock import START, SimulatedClock
from tests.soak.states_language import choice, paths
from tests.soak.states_language.machine import MOST_EVENTS, Execution, Machine, StateError


def nothing(_function: str, payload: Any) -> Any:
    return payload


def run(
    states: dict[str, Any], data: Any = None, invoke: Callable[[str, Any], Any] = nothing, **more: Any
) -> Execution:
    """An execution of states of which the first one is the start."""
    definition = {"StartAt": next(iter(states)), "States": states, **more}
    return Machine(definition, SimulatedClock(), invoke, Random(1)).run(  # noqa: S311
        "night-1", {} if data is None else data
    )


def task(**more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Parameters": {"FunctionName": "work", "Payload.$": "$"}, "End": True, **more}


class Failing:
    """A task that fails with these errors, one after the other, and then returns what it was given."""

    def __init__(self, *errors: str) -> None:
        self.errors = list(errors)
        self.times: list[float] = []

    def __call__(self, _function: str, payload: Any) -> Any:
        if self.errors:
            raise StateError(self.errors.pop(0), "because")
        return payload


def test_a_pass_state_fills_its_parameters_from_input_and_context() -> None:
    parameters = {"said.$": "$.words[1]", "execution": {"name.$": "$$.Execution.Name"}, "fixed": [1]}
    execution = run({"Only": {"Type": "Pass", "Parameters": parameters, "End": True}}, {"words": ["a", "b"]})
    assert execution.output == {"said": "b", "execution": {"name": "night-1"}, "fixed": [1]}


def test_a_result_is_put_where_the_result_path_says() -> None:
    execution = run(
        {"Only": {"Type": "Pass", "Result": 7, "ResultPath": "$.a.b", "End": True}}, {"a": {"c": 1}}
    )
    assert execution.output == {"a": {"c": 1, "b": 7}}


def test_a_task_gets_its_payload_and_its_output_path_takes_the_result() -> None:
    execution = run(
        {"Only": task(OutputPath="$.Payload")}, {"n": 1}, lambda name, given: {name: given["n"] + 1}
    )
    assert (execution.status, execution.output) == ("SUCCEEDED", {"work": 2})


def test_a_retried_task_waits_and_succeeds_and_each_attempt_is_three_events() -> None:
    retry = [{"ErrorEquals": ["Oops"], "IntervalSeconds": 10, "MaxAttempts": 2}]
    execution = run({"Only": task(Retry=retry, OutputPath="$.Payload")}, {"n": 1}, Failing("Oops", "Oops"))
    assert execution.output == {"n": 1}
    assert execution.ended_at == START + 10 + 20
    assert execution.events == 1 + (1 + 3 * 3 + 1) + 1


def test_what_is_retried_no_more_is_caught_and_its_error_put_beside_the_input() -> None:
    retry = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}]
    catch = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "After"}]
    states = {"First": task(Retry=retry, Catch=catch), "After": {"Type": "Succeed"}}
    execution = run(states, {"n": 1}, Failing("Oops", "Worse"))
    assert execution.output == {"n": 1, "error": {"Error": "Worse", "Cause": "because"}}


def test_an_error_that_nobody_catches_fails_the_execution() -> None:
    execution = run({"Only": task()}, invoke=Failing("Oops"))
    assert (execution.status, execution.error, execution.cause) == ("FAILED", "Oops", "because")


def test_a_state_that_is_too_large_fails_whatever_is_caught() -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "After"}]
    states = {"First": task(Catch=catch), "After": {"Type": "Succeed"}}
    execution = run(states, invoke=lambda _name, _given: "x" * 262_144)
    assert (execution.status, execution.error) == ("FAILED", "States.DataLimitExceeded")


def test_a_task_that_takes_longer_than_its_timeout_fails_with_it() -> None:
    clock = SimulatedClock()
    definition = {"StartAt": "Only", "States": {"Only": task(TimeoutSeconds=20)}}
    execution = Machine(definition, clock, lambda *_: clock.sleep(21), Random(1)).run("night-1", {})  # noqa: S311
    assert (execution.status, execution.error) == ("FAILED", "States.Timeout")


def test_a_turn_of_wait_task_and_choice_is_nine_events_as_step_functions_counts() -> None:
    turns = iter(range(1, 6))
    states = {
        "Wait": {"Type": "Wait", "SecondsPath": "$.wait", "Next": "Work"},
        "Work": {**task(OutputPath="$.Payload"), "Next": "Again"} | {"End": False},
        "Again": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.turn", "NumericEquals": 5, "Next": "Done"}],
            "Default": "Wait",
        },
        "Done": {"Type": "Succeed"},
    }
    execution = run(states, {"wait": 30}, lambda _name, _given: {"wait": 30, "turn": next(turns)})
    assert execution.events == 1 + 5 * 9 + 2 + 1
    assert execution.ended_at == START + 5 * 30


def test_the_history_ends_at_25000_events() -> None:
    execution = run({"Again": {"Type": "Pass", "Next": "Again"}})
    assert (execution.status, execution.error) == ("FAILED", "States.Runtime")
    assert execution.events > MOST_EVENTS


def test_an_execution_ends_when_its_time_is_over_in_the_middle_of_a_wait() -> None:
    execution = run({"Again": {"Type": "Wait", "Seconds": 70, "Next": "Again"}}, TimeoutSeconds=100)
    assert (execution.status, execution.ended_at) == ("TIMED_OUT", START + 100)


@pytest.mark.parametrize("seconds", [-1, 1.5, "5", True, None])
def test_a_wait_takes_whole_seconds_only(seconds: Any) -> None:
    states = {"Wait": {"Type": "Wait", "SecondsPath": "$.wait", "End": True}}
    assert run(states, {"wait": seconds}).error == "States.Runtime"


def test_a_fail_state_takes_error_and_cause_from_the_state() -> None:
    states = {"Only": {"Type": "Fail", "ErrorPath": "$.why.error", "CausePath": "$.why.cause"}}
    execution = run(states, {"why": {"error": "Oops", "cause": "a sentence"}})
    assert (execution.status, execution.error, execution.cause) == ("FAILED", "Oops", "a sentence")
    assert run(states, {}).error == "States.Runtime"


def test_comparing_what_is_not_there_ends_the_execution() -> None:
    rule = {"Variable": "$.missing", "StringEquals": "x", "Next": "Done"}
    states = {"Choose": {"Type": "Choice", "Choices": [rule], "Default": "Done"}, "Done": {"Type": "Succeed"}}
    assert run(states).error == "States.Runtime"


def test_without_a_matching_rule_or_default_the_execution_fails() -> None:
    rule = {"Variable": "$.a", "StringEquals": "x", "Next": "Done"}
    states = {"Choose": {"Type": "Choice", "Choices": [rule]}, "Done": {"Type": "Succeed"}}
    assert run(states, {"a": "y"}).error == "States.NoChoiceMatched"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"Variable": "$.text", "StringEquals": "b"}, True),
        ({"Variable": "$.number", "StringEquals": "3"}, False),
        ({"Variable": "$.text", "StringLessThan": "c"}, True),
        ({"Variable": "$.number", "NumericGreaterThanEquals": 3}, True),
        ({"Variable": "$.number", "NumericLessThanPath": "$.more"}, True),
        ({"Variable": "$.flag", "BooleanEquals": False}, True),
        ({"Variable": "$.flag", "IsNumeric": True}, False),
        ({"Variable": "$.nothing", "IsNull": True}, True),
        ({"Variable": "$.other", "IsPresent": False}, True),
        ({"Not": {"Variable": "$.text", "IsString": True}}, False),
        (
            {"Or": [{"Variable": "$.text", "StringEquals": "x"}, {"Variable": "$.flag", "IsBoolean": True}]},
            True,
        ),
        (
            {
                "And": [
                    {"Variable": "$.other", "IsPresent": True},
                    {"Variable": "$.other", "StringEquals": "x"},
                ]
            },
            False,
        ),
    ],
)
def test_the_rules_of_a_choice(rule: dict[str, Any], expected: bool) -> None:
    data = {"text": "b", "number": 3, "more": 4, "flag": False, "nothing": None}
    assert choice.holds(rule, data) is expected


def test_a_path_reads_names_indexes_and_quoted_names() -> None:
    assert paths.read("$.a['b c'][0].d", {"a": {"b c": [{"d": 5}]}}) == 5
    with pytest.raises(paths.PathFailure):
        paths.read("$.a.b", {"a": []})


@pytest.mark.parametrize(
    ("pattern", "value", "holds"),
    [
        ("log-*.txt", "log-april.txt", True),
        ("log-*.txt", "log-april.txt.bak", False),
        ("*", "", True),
        ("a\\*b", "a*b", True),
        ("a\\*b", "axb", False),
        ("a\\\\*b", "a\\xb", True),
        ("{*.+}", "{one\ntwo.+}", True),
    ],
)
def test_a_pattern_has_stars_that_a_backslash_makes_plain(pattern: str, value: str, *, holds: bool) -> None:
    assert choice.holds({"Variable": "$.a", "StringMatches": pattern}, {"a": value}) is holds


def test_a_text_that_holds_json_is_read() -> None:
    parameters = {"read.$": "States.StringToJson($.cause)"}
    only = {"Type": "Pass", "Parameters": parameters, "ResultPath": "$.caught", "End": True}
    assert run({"Only": only}, {"cause": '{"a": [1]}'}).output["caught"] == {"read": {"a": [1]}}
    assert run({"Only": only}, {"cause": "no JSON"}).error == "States.Runtime"
