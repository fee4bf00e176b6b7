"""The definition as synthesized, checked by a validator and run by an interpreter that others wrote."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Final

import pytest

from tests.soak.scenarios.definition import definition
from tests.soak.second_opinion.engines import deployed, run_here, run_in_node, validate_in_node
from tests.soak.second_opinion.paths import RETRIED_BY_ALL, RETRIED_BY_STEPS, Path, paths
from tests.soak.second_opinion.random_scripts import random_script
from tests.soak.second_opinion.script import Json, Trace

_RANDOM: Final = 400
_PATHS: Final = paths()


@pytest.fixture(scope="module")
def states() -> Json:
    return deployed(definition().states)


@pytest.fixture(scope="module")
def traces(states: Json) -> dict[str, Trace]:
    """What the other interpreter makes of each path."""
    made = run_in_node(states, [one.script for one in _PATHS])
    return {path.name: trace for path, trace in zip(_PATHS, made, strict=True)}


def test_the_validator_finds_nothing_wrong(states: Json) -> None:
    assert validate_in_node(states) == []


def test_the_validator_finds_a_state_that_is_not_there(states: Json) -> None:
    broken = copy.deepcopy(states)
    del broken["States"]["NotConfirmed"]
    (found,) = validate_in_node(broken)
    assert "NotConfirmed" in found


def test_the_validator_finds_a_misspelt_field_and_a_path_that_is_none(states: Json) -> None:
    for field, value in (("OutputPth", "$.Payload"), ("OutputPath", "Payload..")):
        broken = copy.deepcopy(states)
        broken["States"]["PollCommand"][field] = value
        assert validate_in_node(broken)


@pytest.mark.parametrize("path", _PATHS, ids=lambda path: path.name)
def test_both_interpreters_take_the_path_that_is_expected(
    path: Path, states: Json, traces: dict[str, Trace]
) -> None:
    for trace in (traces[path.name], run_here(states, path.script)):
        seen = trace.comparable()
        end = seen.output if path.status == "SUCCEEDED" else (seen.error, seen.cause) if seen.error else None
        assert (seen.states, seen.status, end) == (list(path.states), path.status, path.end)
        assert seen.seconds == path.seconds


@pytest.mark.parametrize("path", _PATHS, ids=lambda path: path.name)
def test_both_interpreters_hand_the_same_to_the_functions_at_the_same_time(
    path: Path, states: Json, traces: dict[str, Trace]
) -> None:
    here, there = run_here(states, path.script), traces[path.name]
    assert here.comparable() == there.comparable()


def edges(states: Json) -> Iterator[tuple[str, str]]:
    """From each state to where it may go, or how it handles an error."""
    for name, state in states["States"].items():
        following = [
            state.get("Next"),
            state.get("Default"),
            *(one["Next"] for one in state.get("Choices", ())),
        ]
        yield from ((name, one) for one in following if one)
        yield from ((name, how) for how in ("Retry", "Catch") if how in state)


def test_the_paths_leave_no_way_of_the_definition_out(states: Json, traces: dict[str, Trace]) -> None:
    gone = {pair for trace in traces.values() for pair in zip(trace.states, trace.states[1:], strict=False)}
    handled = {pair for trace in traces.values() for pair in trace.handled}
    assert [edge for edge in edges(states) if edge not in gone | handled] == []
    ends = {name for name, state in states["States"].items() if state["Type"] in ("Succeed", "Fail")}
    assert ends == {trace.states[-1] for trace in traces.values()} & ends


def test_the_paths_leave_no_retried_error_out(states: Json) -> None:
    named = {
        error
        for state in states["States"].values()
        for retry in state.get("Retry", ())
        for error in retry["ErrorEquals"]
    }
    assert named == {*RETRIED_BY_ALL, *RETRIED_BY_STEPS}


def test_both_interpreters_agree_on_random_paths(states: Json) -> None:
    scripts = [random_script(seed) for seed in range(_RANDOM)]
    there = run_in_node(states, scripts)
    seen = [
        (run_here(states, one).comparable(), other.comparable())
        for one, other in zip(scripts, there, strict=True)
    ]
    assert [seed for seed, (here, other) in enumerate(seen) if here != other] == []
    assert {here.status for here, _ in seen} == {"SUCCEEDED", "FAILED", "TIMED_OUT"}
    assert len({tuple(here.states) for here, _ in seen}) > _RANDOM / 4


@pytest.mark.parametrize(
    ("state", "field", "value"),
    [
        ("PollCommand", "Retry", []),
        ("PollCommand", "Catch", []),
        ("Outcome", "Default", "NotifySlack"),
        ("WaitForWorkers", "SecondsPath", "$.other_seconds"),
        ("Done", "OutputPath", "$"),
        ("NotifySlack", "TimeoutSeconds", 10),
    ],
)
def test_a_difference_between_the_interpreters_would_be_seen(
    state: str, field: str, value: object, states: Json
) -> None:
    other = copy.deepcopy(states)
    other["States"][state][field] = value
    there = run_in_node(other, [one.script for one in _PATHS])
    assert any(
        run_here(states, path.script).comparable() != trace.comparable()
        for path, trace in zip(_PATHS, there, strict=True)
    )
