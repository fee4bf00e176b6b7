"""Globs match as EC2 and IAM match them, and what the limits cover is within them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snow_white.model.globs import is_covered, is_matched

GLOBS = st.text("ab*?[", max_size=6)


@pytest.mark.parametrize(
    ("text", "glob"),
    [
        ("backups-1", "backups-*"),
        ("backups-1", "backups-?"),
        ("backups-1", "*"),
        ("a[b]c", "a[b]*"),
        ("", "*"),
    ],
)
def test_a_glob_matches_the_whole_text(text: str, glob: str) -> None:
    assert is_matched(text, ["other", glob])


@pytest.mark.parametrize(
    ("text", "glob"),
    [
        ("backups-1", "backups"),
        ("backups-12", "backups-?"),
        ("Backups", "backups"),
        ("b", "[abc]"),
        ("a\nb", "a?b?"),
    ],
)
def test_and_no_other_text_no_other_case_and_no_set(text: str, glob: str) -> None:
    assert not is_matched(text, [glob])


@pytest.mark.parametrize(
    ("glob", "limit"),
    [
        ("backups-*", "backups-*"),
        ("backups-web-?", "backups-*"),
        ("b?", "b?"),
        ("b", "?"),
        ("*", "*"),
        ("a?b", "a*"),
    ],
)
def test_what_is_narrower_than_a_limit_is_covered_by_it(glob: str, limit: str) -> None:
    assert is_covered(glob, ["other", limit])


@pytest.mark.parametrize(
    ("glob", "limit"),
    [("*", "backups-*"), ("backups*", "backups-*"), ("b*", "b?"), ("b*", "b??"), ("?", "a")],
)
def test_what_may_match_more_is_not(glob: str, limit: str) -> None:
    assert not is_covered(glob, [limit])


@given(glob=GLOBS, limit=GLOBS, text=st.text("ab[", max_size=6))
def test_nothing_outside_of_a_limit_is_matched_by_a_glob_that_it_covers(
    glob: str, limit: str, text: str
) -> None:
    assert not is_covered(glob, [limit]) or not is_matched(text, [glob]) or is_matched(text, [limit])
