"""Waiting gives the value of a condition once it holds, and None after the time."""

import time

import pytest

from local_aws.processes.waiting import wait_for


def test_the_value_comes_as_soon_as_it_is_there() -> None:
    values = iter([None, "", "there"])

    assert wait_for(lambda: next(values), seconds=60, poll_seconds=0.001) == "there"


def test_none_comes_after_the_time() -> None:
    started = time.monotonic()

    assert wait_for(lambda: None, seconds=0.05, poll_seconds=0.01) is None
    assert 0.05 <= time.monotonic() - started < 5


def test_the_condition_is_checked_at_least_once() -> None:
    assert wait_for(lambda: "there", seconds=0) == "there"


def test_an_error_ends_the_waiting() -> None:
    def fail() -> None:
        raise LookupError("no such thing")

    with pytest.raises(LookupError):
        wait_for(fail, seconds=60)
