"""Emoji that the page draws itself, because a browser without an emoji font shows boxes for them.

An emoji that is not here stays a character, and one that is not known by its name stays `:name:`.
"""

from __future__ import annotations

import re
from typing import Final

_GREEN, _RED, _YELLOW, _BLUE, _GREY = "#2eb67d", "#e01e5a", "#ecb22e", "#1264a3", "#616061"


def _shape(path: str, fill: str) -> str:
    return f'<path d="{path}" fill="{fill}"/>'


def _line(path: str, colour: str, width: float = 1.5, fill: str = "none") -> str:
    return f'<path d="{path}" fill="{fill}" stroke="{colour}" stroke-width="{width}"/>'


_SQUARE: Final = "M3 1h10a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H3a2 2 0 0 1-2-2V3a2 2 0 0 1 2-2z"
_SUN: Final = "M4 12a4 4 0 0 1 8 0z"
# By character, without U+FE0F; in a square of 16 by 16.
_DRAWINGS: Final = {
    "✅": _shape(_SQUARE, _GREEN) + _line("M4 8.5L7 11.5L12 5", "#fff", 2),
    "❌": _line("M3 3L13 13M13 3L3 13", _RED, 3),
    "⚠": _shape("M8 1L15.5 15H0.5z", _YELLOW) + _line("M8 6V10.5M8 12V13.5", "#1d1c1d"),
    "⏳": _line(
        "M4 1.5H12M4 14.5H12M5 2C5 5 8 6 8 8S5 11 5 14H11C11 11 8 10 8 8S11 5 11 2z",
        "#a0742f",
        1.2,
        "#f5d67b",
    ),
    "⏹": _shape(_SQUARE, _BLUE) + _shape("M5 5h6v6H5z", "#fff"),
    "⏱": _line("M8 3.5a5.5 5.5 0 1 0 0.01 0zM8 9V6M6 1H10M8 1V3", _GREY),
    "💤": _line("M2 4H7L2 10H7M9 7H14L9 13H14", _BLUE),
    "🌅": _shape(_SUN, _YELLOW) + _line("M1 13H15M8 3V6M2.5 6L4.5 8M13.5 6L11.5 8", "#e8912d"),
    "🍎": _shape("M8 5c7-3 8 9 2 10H6C0 14 1 2 8 5z", _RED) + _line("M8 5C8 3 9 2 11 1", _GREEN),
    "🛑": _shape("M5 1h6l4 4v6l-4 4H5l-4-4V5z", _RED),
    "👀": _line("M5 3a2 5 0 1 0 0.01 0zM11 3a2 5 0 1 0 0.01 0zM5 7V10M11 7V10", "#1d1c1d"),
    "🖼": _line("M1 3H15V13H1zM2 12L6 7L9 10L11 8L14 12", _GREY),
}
_NAMES: Final = {
    ":white_check_mark:": "✅",
    ":x:": "❌",
    ":warning:": "⚠",
    ":hourglass_flowing_sand:": "⏳",
    ":black_square_for_stop:": "⏹",
    ":stopwatch:": "⏱",
    ":zzz:": "💤",
    ":sunrise:": "🌅",
    ":apple:": "🍎",
    ":octagonal_sign:": "🛑",
    ":eyes:": "👀",
}
_DRAWN: Final = re.compile(f"([{''.join(_DRAWINGS)}])\N{VARIATION SELECTOR-16}?")


def named(name: str) -> str:
    """The character for a name such as `:x:`; the name itself if it is not known."""
    return _NAMES.get(name, name)


def draw(escaped: str) -> str:
    """Text that is escaped for HTML, with a drawing in place of each emoji; its title is the character."""
    return _DRAWN.sub(
        lambda found: (
            f'<svg class="emoji" viewBox="0 0 16 16"><title>{found[1]}</title>{_DRAWINGS[found[1]]}</svg>'
        ),
        escaped,
    )
