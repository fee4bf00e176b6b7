"""docs/faults.md, made of the matrix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.soak.matrix.groups import GROUPS
from tests.soak.matrix.outcomes import ALL
from tests.soak.matrix.table import ACTIONS, Group, Row, Step

_HEAD: Final = """\
# What faults do to a run

What happens to a run when AWS, a host, a function or Slack fails, and what to do about it. [Operating](operating.md)
explains results and verdicts.

The tables below are tested: each fault begins in each step of `quiet`, `stop`, `wake` and `status`, on the real state
machine with a simulated AWS and clock. {cells} runs are held against them. Of faults that the functions cannot
tell from one another, one is run for all; another test shows that each call ends in the same way under them. The page
is generated; see [contributing](contributing.md#how-to-add).

**A fault that passes delays a run. A fault that stays ends it FAILED, with the reason named, or keeps only Slack from
being told. No fault makes a run report a worker as quiet that it has not confirmed.**

## How a run can end

| the tables say | what you see | what to do |
| --- | --- | --- |
"""
_TABLES: Final = """
## Faults

A column names the step in which the fault begins; `last PollCommand` is the poll that would confirm everything. Later
steps meet the fault too, until it passes. The outcome is the same for all four actions unless a cell names one.
"""
_NOTHING: Final = "-"


def page() -> str:
    """The whole page."""
    cells = sum(1 for group in GROUPS for row in group.rows for _ in group.cells(row))
    used = {cell.expected.title for group in GROUPS for row in group.rows for cell in group.cells(row)}
    legend = "".join(f"| {one.title} | {one.see} | {one.do} |\n" for one in ALL if one.title in used)
    groups = "".join("\n" + "\n".join(_group(one)) + "\n" for one in GROUPS)
    return _HEAD.format(cells=f"{cells:,}") + legend + _TABLES + groups


def _group(group: Group) -> Iterator[str]:
    yield f"### {group.title}"
    yield ""
    passing = f" What passes is over after {group.passes_after:.0f} seconds." if group.passes_after else ""
    yield f"{group.intro}{passing}"
    yield ""
    yield f"| fault | it | {' | '.join(_column(step) for step in group.steps)} |"
    yield f"| --- | --- |{' --- |' * len(group.steps)}"
    merged: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for row in group.rows:
        merged.setdefault(tuple(_lines(group, row)), []).extend([row.fault, *row.like_it])
    for lines, faults in merged.items():
        for index, (lasts, cells) in enumerate(lines):
            yield f"| {'; '.join(faults) if index == 0 else ''} | {lasts} | {cells} |"


def _column(step: Step) -> str:
    return " ".join(f"`{word}`" if word[0].isupper() or "_" in word else word for word in step.value.split())


def _lines(group: Group, row: Row) -> Iterator[tuple[str, str]]:
    """What a row says of a fault that passes and of one that stays."""
    for stays in (False, True):
        cells = [_cell(row, step, stays=stays) for step in group.steps]
        if any(one != _NOTHING for one in cells):
            yield "stays" if stays else "passes", " | ".join(cells)


def _cell(row: Row, step: Step, *, stays: bool) -> str:
    """The outcome that most actions have, then those of the others."""
    titles: dict[str, list[str]] = {}
    for action in ACTIONS:
        expected = row.expected(step, action, stays=stays)
        titles.setdefault(expected.title if expected else _NOTHING, []).append(action)
    most, *others = sorted(titles, key=lambda title: -len(titles[title]))
    return "; ".join([most, *(f"{', '.join(titles[title])}: {title}" for title in others)])
