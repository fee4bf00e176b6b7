"""Text as Slack takes it: escaped, counted and cut as Slack does it.

Slack counts UTF-16 units, an emoji is two; "&", "<" and ">" must come as entities, which count with all their letters.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_BAR_CELLS: Final = 16  # so that it stays on one line of a phone
_MINUTE: Final = 60
_HOUR: Final = 3_600


def length(text: str) -> int:
    """How long Slack takes the text to be."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def escaped(text: object, limit: int) -> str:
    """The text with nothing in it that Slack would read as a mention or link, at most `limit` long.

    What does not fit is cut off, never inside of an entity, and the cut is shown. Line breaks become spaces.
    """
    one_line = " ".join(str(text).split())
    return _joined([_ENTITIES.get(letter, letter) for letter in one_line], limit)


def plain(text: object, limit: int) -> str:
    """The text for where Slack shows letters as they are, at most `limit` long."""
    return _joined(list(" ".join(str(text).split())), limit)


def code(text: object, limit: int) -> str:
    """The text in the type that code is shown in."""
    return f"`{escaped(str(text).replace('`', chr(39)), limit - 2)}`"


def moment(at: datetime) -> str:
    """A time that Slack shows in the reader's own time zone; in UTC where it cannot."""
    universal = at.astimezone(UTC)
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{universal:%Y-%m-%d %H:%M} UTC>"


def duration(seconds: float) -> str:
    """A length of time in its two largest units: 45 s, 12 min 5 s, 3 h 20 min."""
    whole = max(0, round(seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"


def bar(part: int, whole: int) -> str:
    """How far it is; full only when nothing is left."""
    filled = _BAR_CELLS * min(part, whole) // whole if whole > 0 else 0
    return "█" * filled + "░" * (_BAR_CELLS - filled)


def _joined(letters: list[str], limit: int) -> str:
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
