"""A run's problems as Slack text: grouped by verdict, with advice for each verdict and a reason for each instance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from snow_white.model.counts import counted
from snow_white.model.report import Problem, Stated
from snow_white.model.verdict import in_words
from snow_white.reporting.advice import what_to_do
from snow_white.slack.text import code, escaped, length

_MAX_PROBLEMS: Final = 15  # the execution's output has the others
_MAX_SECTION: Final = 2_600
_MAX_MESSAGE: Final = 6_500
_MAX_REASON: Final = 220
_MAX_ADVICE: Final = 500
_MAX_PROCESSES: Final = 3


def problem_sections(problems: Sequence[Problem], more: int, action: Stated) -> list[str]:
    """A text for each verdict and, if some problems do not fit, "and N more" at the end.

    Args:
        more: the number of problems that are not in `problems`.
    """
    texts: list[str] = []
    shown = 0
    room = _MAX_MESSAGE
    for verdict in dict.fromkeys(problem.verdict for problem in problems):
        group = [problem for problem in problems if problem.verdict == verdict]
        text, count = _verdict_section(
            verdict, group, action, room=min(room, _MAX_SECTION), most=_MAX_PROBLEMS - shown
        )
        if count:
            texts.append(text)
            shown += count
            room -= length(text)
    hidden = len(problems) - shown + more
    return [*texts, f"and {hidden} more"] if hidden else texts


def _verdict_section(
    verdict: str, group: Sequence[Problem], action: Stated, *, room: int, most: int
) -> tuple[str, int]:
    """The text for one verdict, and how many of its problems it shows."""
    advice = what_to_do(verdict, action)
    name = in_words(verdict).capitalize()
    heading = f"*{escaped(name, 40)}*" + (f"  What to do: {escaped(advice, _MAX_ADVICE)}" if advice else "")
    lines = [heading]
    room -= length(heading)
    for problem in group[:most]:
        line = _problem_line(problem)
        room -= length(line) + 1
        if room < 0:
            break
        lines.append(line)
    return "\n".join(lines), len(lines) - 1


def _problem_line(problem: Problem) -> str:
    where = f"{escaped(problem.environment, 80)}, {escaped(problem.region, 30)}"
    busy = [process for process in problem.processes if process.busy]
    listed = [
        f"process {process.pid}{' ' + process.tag if process.tag else ''}: {counted(process.busy, 'job')}"
        for process in busy[:_MAX_PROCESSES]
    ]
    if len(busy) > len(listed):
        listed.append(f"and {len(busy) - len(listed)} more")
    processes = f" [{escaped(', '.join(listed), _MAX_REASON)}]" if listed else ""
    return f"• {code(problem.instance, 40)} {where}: {escaped(problem.reason, _MAX_REASON)}{processes}"
