"""Instances as a table with one line each, narrow enough for a phone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from snow_white.slack.text import plain, preformatted

MAX_ROWS: Final = 10
# A phone shows about 40 characters of a fixed-width font on one line; an instance's id has 19.
_MAX_ENVIRONMENT: Final = 15
_MAX_INSTANCE: Final = 24


@dataclass(frozen=True)
class Row:
    """One instance. `jobs` is None for a table without that column, and "?" if their number is not known."""

    environment: str
    instance: str
    jobs: str | None = None


def table(rows: Sequence[Row]) -> str:
    """The rows, aligned and with a header; the longest names are cut."""
    with_jobs = any(row.jobs is not None for row in rows)
    header = Row("environment", "instance", "jobs" if with_jobs else None)
    cells = [
        (plain(row.environment, _MAX_ENVIRONMENT), plain(row.instance, _MAX_INSTANCE), row.jobs or "")
        for row in (header, *rows)
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(3)]
    return preformatted(
        f"{environment:<{widths[0]}} {instance:<{widths[1]}} {jobs:>{widths[2]}}".rstrip()
        for environment, instance, jobs in cells
    )


def more(shown: int, of: int) -> list[str]:
    """The line under a table that does not show all; none if it does."""
    return [f"and {of - shown} more"] if of > shown else []
