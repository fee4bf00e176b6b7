"""Retry and Catch as the States Language's specification describes them."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tests.soak.states_language.retries import Retries, catcher_of, matches


def delays(retriers: list[dict[str, Any]], errors: list[str], seed: int = 1) -> list[float | None]:
    retries = Retries(retriers, Random(seed))  # noqa: S311
    return [retries.delay(error) for error in errors]


def test_the_pauses_grow_by_the_backoff_rate_until_the_attempts_are_used_up() -> None:
    # The specification's own example: 3, 4.5 seconds, then no more.
    retrier = {"ErrorEquals": ["ErrorA"], "IntervalSeconds": 3, "BackoffRate": 1.5, "MaxAttempts": 2}
    assert delays([retrier], ["ErrorA"] * 3) == [3, 4.5, None]


def test_without_numbers_there_are_three_attempts_after_one_two_and_four_seconds() -> None:
    assert delays([{"ErrorEquals": ["ErrorA"]}], ["ErrorA"] * 4) == [1, 2, 4, None]


def test_no_pause_is_longer_than_the_longest() -> None:
    retrier = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "MaxDelaySeconds": 5, "MaxAttempts": 4}
    assert delays([retrier], ["ErrorA"] * 4) == [2, 4, 5, 5]


def test_full_jitter_takes_a_random_pause_up_to_the_one_without() -> None:
    retrier = {"ErrorEquals": ["ErrorA"], "IntervalSeconds": 10, "BackoffRate": 2, "MaxAttempts": 3}
    jittered = {**retrier, "JitterStrategy": "FULL"}
    some = {tuple(delays([jittered], ["ErrorA"] * 3, seed)) for seed in range(20)}
    assert len(some) == 20
    for pauses in some:
        for pause, most in zip(pauses, (10, 20, 40), strict=True):
            assert pause is not None
            assert 0 <= pause <= most


def test_each_retrier_counts_its_own_attempts() -> None:
    # The specification's example of a complex retry.
    retriers: list[dict[str, Any]] = [
        {"ErrorEquals": ["ErrorA", "ErrorB"], "IntervalSeconds": 1, "BackoffRate": 2, "MaxAttempts": 2},
        {"ErrorEquals": ["ErrorC"], "IntervalSeconds": 5},
    ]
    assert delays(retriers, ["ErrorA", "ErrorB", "ErrorC", "ErrorC", "ErrorB"]) == [1, 2, 5, 10, None]


def test_an_error_without_a_retrier_is_not_retried() -> None:
    assert delays([{"ErrorEquals": ["ErrorA"]}], ["ErrorB"]) == [None]


def test_attempts_may_be_none() -> None:
    assert delays([{"ErrorEquals": ["ErrorA"], "MaxAttempts": 0}], ["ErrorA"]) == [None]


@pytest.mark.parametrize(
    ("names", "error", "expected"),
    [
        (["States.ALL"], "Anything", True),
        (["States.ALL"], "States.Timeout", True),
        (["States.ALL"], "States.DataLimitExceeded", False),
        (["States.ALL"], "States.Runtime", False),
        (["States.DataLimitExceeded"], "States.DataLimitExceeded", True),
        (["States.TaskFailed"], "Anything", True),
        (["States.TaskFailed"], "States.Timeout", False),
        (["Lambda.Unknown"], "Lambda.Unknown", True),
        (["Lambda.Unknown"], "Lambda.UnknownToo", False),
    ],
)
def test_which_errors_a_name_means(names: list[str], error: str, expected: bool) -> None:
    assert matches(names, error) is expected


def test_the_first_catcher_that_means_the_error_catches_it() -> None:
    state = {
        "Catch": [
            {"ErrorEquals": ["ErrorA"], "Next": "First"},
            {"ErrorEquals": ["States.ALL"], "Next": "Second"},
            {"ErrorEquals": ["ErrorB"], "Next": "Third"},
        ]
    }
    assert (catcher_of(state, "ErrorA") or {})["Next"] == "First"
    assert (catcher_of(state, "ErrorB") or {})["Next"] == "Second"
    assert catcher_of({}, "ErrorA") is None
