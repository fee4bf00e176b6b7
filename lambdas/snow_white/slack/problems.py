"""The problems of a run as Slack shows them: by verdict, each with what to do, and each instance with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from snow_white.model.counts import counted
from snow_white.model.report import Problem, Stated
from snow_white.model.verdict import in_words
from snow_white.reporting.advice import what_to_do
from snow_white.slack.text import code, escaped, length

_SHOWN: Final = 15  # more than a phone shows at once; the execution's output has them all
_SECTION: Final = 2_600
_MESSAGE: Final = 6_500
_REASON: Final = 220
_HEADING: Final = 500
_PROCESSES_SHOWN: Final = 3


def problem_sections(problems: Sequence[Problem], more: int, action: Stated) -> list[str]:
    """A text for each verdict, and at last "and N more" for those that did not fit.

    Args:
        more: how many others there are.
    """
    texts: list[str] = []
    shown = 0
    room = _MESSAGE
    for verdict in dict.fromkeys(problem.verdict for problem in problems):
        group = [problem for problem in problems if problem.verdict == verdict]
        text, count = _group(verdict, group, action, min(room, _SECTION), _SHOWN - shown)
        if count:
            texts.append(text)
            shown += count
            room -= length(text)
    hidden = len(problems) - shown + more
    return [*texts, f"and {hidden} more"] if hidden else texts


def _group(verdict: str, group: Sequence[Problem], action: Stated, room: int, most: int) -> tuple[str, int]:
    advice = what_to_do(verdict, action)
    name = in_words(verdict).capitalize()
    heading = f"*{escaped(name, 40)}*" + (f"  What to do: {escaped(advice, _HEADING)}" if advice else "")
    lines = [heading]
    room -= length(heading)
    for problem in group[:most]:
        line = _line(problem)
        room -= length(line) + 1
        if room < 0:
            break
        lines.append(line)
    return "\n".join(lines), len(lines) - 1


def _line(problem: Problem) -> str:
    where = f"{escaped(problem.environment, 80)}, {escaped(problem.region, 30)}"
    busy = [process for process in problem.processes if process.busy]
    said = [
        f"process {process.pid}{' ' + process.tag if process.tag else ''}: {counted(process.busy, 'job')}"
        for process in busy[:_PROCESSES_SHOWN]
    ]
    if len(busy) > len(said):
        said.append(f"and {len(busy) - len(said)} more")
    processes = f" [{escaped(', '.join(said), _REASON)}]" if said else ""
    return f"• {code(problem.instance, 40)} {where}: {escaped(problem.reason, _REASON)}{processes}"
