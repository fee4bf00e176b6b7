"""Cutting stated values to a size that reports and events can carry, because a request may be any JSON."""

from __future__ import annotations

import json
from typing import Final

from snow_white.model.report import Stated

LONGEST_TEXT: Final = 256
_MAX_LIST_BYTES: Final = (
    24_000  # enough for 500 environments with the longest names that Elastic Beanstalk allows
)


def cut(text: str, most: int) -> str:
    """The text, cut to at most `most` characters; a cut text ends with "…"."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def bounded(value: object) -> Stated:
    """The value cut to size: a text, a number, a boolean, or the texts of a list that fit into 24,000 bytes.

    None for every other value.
    """
    match value:
        case str():
            return cut(value, LONGEST_TEXT)
        case bool() | int() | float() if len(str(value)) <= LONGEST_TEXT:
            return value
        case list() | tuple() if all(isinstance(one, str) for one in value):
            return tuple(_texts_that_fit([cut(one, LONGEST_TEXT) for one in value]))
    return None


def _texts_that_fit(texts: list[str]) -> list[str]:
    room = _MAX_LIST_BYTES
    for count, text in enumerate(texts):
        room -= len(json.dumps(text)) + 2  # for the separator
        if room < 0:
            return texts[:count]
    return texts
