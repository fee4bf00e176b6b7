"""Lists that fit: a table where the terminal is wide enough for it, else a block of lines for each row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

_INDENT: Final = 2
_WIDER_THAN_ANY_TABLE: Final = 10_000
WIDTH_WITHOUT_TERMINAL: Final = 240
"""Columns of a file or a pipe, so that each row is one line."""


def output_console(*, stderr: bool = False) -> Console:
    """Standard output or standard error, as wide as the terminal."""
    console = Console(highlight=False, stderr=stderr)
    if console.is_terminal:
        return console
    return Console(highlight=False, stderr=stderr, width=WIDTH_WITHOUT_TERMINAL)


def fits(console: Console, table: Table) -> bool:
    """Whether every cell of the table can be shown whole."""
    without_limit = console.options.update(width=_WIDER_THAN_ANY_TABLE)
    return console.measure(table, options=without_limit).maximum <= console.width


def print_title(console: Console, title: str) -> None:
    """Print the title of a list."""
    console.print(Text(title, style="italic"))


def print_whole(console: Console, text: Text) -> None:
    """Print a line without breaking it, so that it can be copied; the terminal itself wraps one that is too long."""
    console.print(text, soft_wrap=True)


def print_indented(console: Console, text: Text) -> None:
    """Print a text that belongs to the line above it; its lines are broken between words."""
    console.print(Padding(text, (0, 0, 0, _INDENT)), overflow="fold")


def joined(parts: Sequence[Text | str], separator: str = "  ") -> Text:
    """The parts that are not empty, in one line."""
    return Text(separator).join(part if isinstance(part, Text) else Text(part) for part in parts if str(part))


def print_more(console: Console, more: int | None) -> None:
    """Say how many rows were left out."""
    if more:
        console.print(f"and {more} more")
