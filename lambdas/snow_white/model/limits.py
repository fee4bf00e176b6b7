"""What a request said, in a size that reports and events can carry, whatever somebody typed as a request."""

from __future__ import annotations

import json
from typing import Final

from snow_white.model.report import Stated

LONGEST_TEXT: Final = 256
_LIST_BYTES: Final = 24_000  # more than 500 environments with the longest names that Elastic Beanstalk takes


def cut(text: str, most: int) -> str:
    """At most so many characters, with a sign at the end where some are missing."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def bounded(value: object) -> Stated:
    """A text, number or null as it is but cut; of a list of texts as many as fit into 24,000 bytes; else None."""
    match value:
        case str():
            return cut(value, LONGEST_TEXT)
        case bool() | int() | float() if len(str(value)) <= LONGEST_TEXT:
            return value
        case list() | tuple() if all(isinstance(one, str) for one in value):
            return tuple(_as_fits([cut(one, LONGEST_TEXT) for one in value]))
    return None


def _as_fits(texts: list[str]) -> list[str]:
    room = _LIST_BYTES
    for count, text in enumerate(texts):
        room -= len(json.dumps(text)) + 2  # and what stands between two
        if room < 0:
            return texts[:count]
    return texts
