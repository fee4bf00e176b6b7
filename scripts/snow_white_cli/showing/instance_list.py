"""Instances with the reason why each is not confirmed, or needs no confirmation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from snow_white.model.counts import counted
from snow_white.model.report import InstanceResult
from snow_white.model.verdict import in_words
from snow_white_cli.showing.layout import fits, joined, print_indented, print_more, print_title

_COLUMNS: Final = ("Region", "Instance", "Verdict")
_SHORTEST_REASON: Final = 40  # characters; a narrower column is harder to read than a block


def print_instances(
    console: Console, title: str, rows: Sequence[InstanceResult], more: int | None = None, *, group_word: str
) -> None:
    """Print the instances; `more` is the number of those left out, `group_word` what their environments are called."""
    if fits(console, _table(title, rows, group_word, " " * _SHORTEST_REASON)):
        console.print(_table(title, rows, group_word))
    else:
        print_title(console, title)
        for row in rows:
            console.print(joined([*_place(row), Text(in_words(row.verdict), "bold")]), overflow="fold")
            print_indented(console, Text(_why(row)))
    print_more(console, more)


def _table(title: str, rows: Sequence[InstanceResult], group_word: str, why: str | None = None) -> Table:
    """The table; with `why` in place of each reason if it is given, to measure the other columns."""
    table = Table(title=title, title_justify="left")
    for column in (group_word, *_COLUMNS):
        table.add_column(column, no_wrap=True)
    table.add_column("Why", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, (*_place(row), in_words(row.verdict), _why(row) if why is None else why)))
    return table


def _place(row: InstanceResult) -> tuple[str, str, str]:
    return row.environment, row.region, row.instance


def _why(row: InstanceResult) -> str:
    busy = [f"process {one.pid}: {counted(one.busy, 'job')}" for one in row.processes if one.busy]
    return f"{row.reason} ({', '.join(busy)})" if busy else row.reason
