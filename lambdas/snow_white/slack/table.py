"""Instances as a table with one line each, narrow enough for a phone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from snow_white.model.report import Stated
from snow_white.slack.text import plain, preformatted

MAX_ROWS: Final = 10
# A phone shows 35 characters of a fixed-width font on one line. An instance's id has 19, and is needed whole.
_MAX_ENVIRONMENT: Final = 10
_MAX_INSTANCE: Final = 24


@dataclass(frozen=True)
class Row:
    """One instance. `jobs` is "" for a table without that column, and "?" if their number is not known."""

    environment: str
    instance: str
    jobs: str = ""


def table(rows: Sequence[Row], application: Stated) -> str:
    """The rows, aligned. The environments' names are without that of the application, and cut if they are long."""
    cells = [
        (
            plain(row.environment.removeprefix(f"{application}-"), _MAX_ENVIRONMENT),
            plain(row.instance, _MAX_INSTANCE),
            row.jobs,
        )
        for row in rows
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(3)]
    return preformatted(
        f"{environment:<{widths[0]}} {instance:<{widths[1]}} {jobs:>{widths[2]}}".rstrip()
        for environment, instance, jobs in cells
    )


def columns(group_word: str) -> str:
    """What is in a table with jobs; `group_word` is what the first column is called."""
    return f"{group_word}, instance, running jobs"


def more(shown: int, of: int) -> list[str]:
    """The line under a table that does not show all; none if it does."""
    return [f"and {of - shown} more"] if of > shown else []
