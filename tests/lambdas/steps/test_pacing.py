"""How long the machine waits between two looks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from snow_white.steps.pacing import LONGEST_SECONDS, SHORTEST_SECONDS, seconds_to_wait

MOST_EVENTS = 25_000  # of one execution (AWS Step Functions quotas)
EVENTS_OF_A_TURN = 9 + 5 + 5  # Wait + Task + Choice, and an announcement and a sending besides


@given(st.floats(0, 200_000), st.floats(-1_000, 200_000))
def test_a_wait_is_never_shorter_or_longer_than_the_limits(elapsed: float, left: float) -> None:
    assert SHORTEST_SECONDS <= seconds_to_wait(elapsed, left) <= LONGEST_SECONDS


@given(st.floats(0, 200_000), st.floats(0, 200_000))
def test_the_end_is_never_missed_by_more_than_the_shortest_wait(elapsed: float, left: float) -> None:
    assert seconds_to_wait(elapsed, left) <= max(left, SHORTEST_SECONDS) + 1


def test_a_drain_of_48_hours_with_news_in_every_turn_fits_into_the_history() -> None:
    elapsed, turns = 0.0, 0
    while elapsed < 172_800:
        elapsed += seconds_to_wait(elapsed, 172_800 - elapsed)
        turns += 1
    assert turns * EVENTS_OF_A_TURN < MOST_EVENTS * 0.95


@given(st.integers(1, 172_800))
def test_nobody_hears_of_an_end_later_than_two_percent_of_the_drain(length: int) -> None:
    elapsed = 0.0
    while elapsed < length:
        elapsed += seconds_to_wait(elapsed, 172_800 - elapsed)
    assert elapsed - length <= length * 0.02 + SHORTEST_SECONDS
