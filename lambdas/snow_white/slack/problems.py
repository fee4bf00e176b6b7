"""A run's problems as Slack text: for each verdict how many, what to do, each reason once, and a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from snow_white.model.report import Problem, Report
from snow_white.model.verdict import CONFIRMED, HARMLESS, Verdict, in_words
from snow_white.reporting.advice import what_to_do
from snow_white.slack.table import MAX_ROWS, Row, columns, more, table
from snow_white.slack.text import escaped, length

_MAX_SECTION: Final = 2_600
_MAX_MESSAGE: Final = 6_500
_MAX_REASON: Final = 220
_MAX_ADVICE: Final = 500


def problem_sections(report: Report) -> list[str]:
    """A text for each verdict among the problems, as far as the message has room."""
    texts: list[str] = []
    room = _MAX_MESSAGE
    for verdict, count in _totals(report).items():
        group = [problem for problem in report.problems if problem.verdict == verdict]
        text = _verdict_section(verdict, group, count, report, room=min(room, _MAX_SECTION))
        texts.append(text)
        room -= length(text)
    return texts


def _totals(report: Report) -> Mapping[str, int]:
    """How many problems there are of each verdict; the report lists no more than fit into a run's state."""
    listed: dict[str, int] = {}
    silent: dict[str, int] = {}
    for problem in report.problems:
        listed[problem.verdict] = listed.get(problem.verdict, 0) + 1
        silent[problem.verdict] = silent.get(problem.verdict, 0) + problem.is_region
    counted = {v: n for v, n in report.counts.items() if v not in CONFIRMED | HARMLESS and n}
    return {
        verdict: max(listed.get(verdict, 0), counted.get(verdict, 0) + silent.get(verdict, 0))
        for verdict in dict.fromkeys([*listed, *counted])
    }


def _verdict_section(verdict: str, group: Sequence[Problem], count: int, report: Report, *, room: int) -> str:
    known = report.what_to_do
    advice = what_to_do(verdict, report.action) if known is None else known.get(verdict)
    name = "still busy" if verdict == Verdict.BUSY else in_words(verdict)
    parts = [f"*{count} {escaped(name, 40)}*"]
    if advice and room > 2 * _MAX_ADVICE:
        parts.append(escaped(f"{advice[:1].upper()}{advice[1:]}", _MAX_ADVICE))
    shown = 0
    for rows, text in _tables(group, report):
        if length("\n".join([*parts, text])) > room - 30:
            break
        parts.append(text)
        shown += rows
    return "\n".join([*parts, *more(shown, count)])


def _tables(group: Sequence[Problem], report: Report) -> Iterator[tuple[int, str]]:
    """Tables of ten rows in all, each with its number of rows: those with the most jobs, then reason by reason."""
    with_jobs = [problem for problem in group if _jobs(problem) and problem.verdict == Verdict.BUSY]
    with_jobs.sort(key=_jobs, reverse=True)
    left = MAX_ROWS
    if with_jobs:
        rows = [
            _row(problem, f"{_jobs(problem)}{'+' * bool(problem.more_processes)}") for problem in with_jobs
        ]
        yield len(rows[:left]), f"{columns(report.group_word)}:\n{table(rows[:left], report.application)}"
        left -= len(rows[:left])
    without = [problem for problem in group if problem not in with_jobs]
    for reason in dict.fromkeys(problem.reason for problem in without):
        rows = [_row(problem) for problem in without if problem.reason == reason][:left]
        if rows:
            said = escaped(reason.rstrip("."), _MAX_REASON)
            yield len(rows), f"{said[:1].upper()}{said[1:]}:\n{table(rows, report.application)}"
            left -= len(rows)


def _row(problem: Problem, jobs: str = "") -> Row:
    return Row(
        problem.environment, f"all in {problem.region}" if problem.is_region else problem.instance, jobs
    )


def _jobs(problem: Problem) -> int:
    return sum(process.busy for process in problem.processes)
