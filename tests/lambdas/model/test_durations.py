"""One grammar of durations for requests, the command line and Slack."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snow_white.model.durations import parse_duration, parse_timeout


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("30m", 1_800),
        ("1h30m", 5_400),
        ("48h", 172_800),
        ("1d2h3m4s", 93_784),
        ("2H", 7_200),
        (" 5m ", 300),
    ],
)
def test_a_duration_is_a_number_of_seconds_or_amounts_with_units(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "h", "1x", "-90", "1.5h", "30m1h", "1h1h", "two hours", "1 h", "\u0663\u0660m"]
)
def test_any_other_text_is_not_a_duration(text: str) -> None:
    assert parse_duration(text) is None


@pytest.mark.parametrize(
    ("value", "seconds"), [(60, 60), (60.0, 60), (172_800, 172_800), ("2d", 172_800), ("1h30m", 5_400)]
)
def test_a_timeout_is_a_number_or_a_duration(value: object, seconds: int) -> None:
    assert parse_timeout(value) == seconds


@pytest.mark.parametrize(
    "value", [59, 172_801, "59", "3d", 90.5, True, None, [90], "soon", float("nan"), 1e300]
)
def test_an_invalid_timeout_is_none(value: object) -> None:
    assert parse_timeout(value) is None


@given(st.text() | st.integers() | st.floats() | st.booleans())
def test_a_parsed_timeout_is_within_its_limits(value: object) -> None:
    seconds = parse_timeout(value)
    assert seconds is None or 60 <= seconds <= 172_800
