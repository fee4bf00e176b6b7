"""Text for Slack: escaping, cutting to a length, and formatting times, durations and a progress bar.

Slack counts UTF-16 units, so an emoji counts two. "&", "<" and ">" must be written as entities, which count in full.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_BAR_CELLS: Final = 16  # fits on one line on a phone
_MINUTE: Final = 60
_HOUR: Final = 3_600


def length(text: str) -> int:
    """The length of the text as Slack counts it, in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def escaped(text: object, limit: int) -> str:
    """The text as one line without mentions or links, at most `limit` long.

    A longer text is cut, never inside an entity, and ends with "…".
    """
    one_line = " ".join(str(text).split())
    return _cut([_ENTITIES.get(letter, letter) for letter in one_line], limit)


def plain(text: object, limit: int) -> str:
    """The text as one line, not escaped, for fields that Slack shows literally; at most `limit` long."""
    return _cut(list(" ".join(str(text).split())), limit)


def preformatted(lines: Iterable[str]) -> str:
    """The lines in a fixed-width font, to be read as a table or to be copied."""
    text = "\n".join(" ".join(line.splitlines()).replace("`", "'") for line in lines)
    return f"```{''.join(_ENTITIES.get(letter, letter) for letter in text)}```"


def local_time(at: datetime) -> str:
    """A time that Slack shows in the reader's time zone, with UTC as the fallback."""
    universal = at.astimezone(UTC)
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{universal:%Y-%m-%d %H:%M} UTC>"


def duration(seconds: float) -> str:
    """A duration as people say it: 45 s, 12 min, 3 h 20 min, 48 h."""
    whole = max(0, round(seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min"
    minutes = whole % _HOUR // _MINUTE
    return f"{whole // _HOUR} h{f' {minutes} min' if minutes else ''}"


def progress_bar(part: int, whole: int) -> str:
    """A bar of 16 characters that shows part / whole. It is full only if part >= whole."""
    filled = _BAR_CELLS * min(part, whole) // whole if whole > 0 else 0
    return "█" * filled + "░" * (_BAR_CELLS - filled)


def _cut(letters: list[str], limit: int) -> str:
    if sum(map(length, letters)) <= limit:
        return "".join(letters)
    kept: list[str] = []
    room = limit - 1
    for letter in letters:
        room -= length(letter)
        if room < 0:
            break
        kept.append(letter)
    return "".join(kept) + "…"
