"""Text for Slack: escaping, the progress bar, durations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snow_white.slack.text import duration, escaped, length, progress_bar
from tests.lambdas.slack.test_message_limits import COUNTS, TEXTS


@given(text=TEXTS, limit=st.integers(10, 400))
def test_escaped_text_mentions_nobody_and_is_never_cut_inside_an_entity(text: str, limit: int) -> None:
    safe = escaped(text, limit)
    assert length(safe) <= limit
    assert not set("<>\n") & set(safe)
    rest = safe.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert "&" not in rest


@given(part=COUNTS, whole=COUNTS)
def test_the_progress_bar_is_full_only_when_everything_is_done(part: int, whole: int) -> None:
    drawn = progress_bar(part, whole)
    assert len(drawn) == 16
    assert ("░" not in drawn) == (0 < whole <= part)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59, "59 s"), (725, "12 min"), (12_000, "3 h 20 min"), (172_800, "48 h")],
)
def test_a_duration_is_shown_as_people_say_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text
