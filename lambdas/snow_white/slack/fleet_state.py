"""What state a quiet or a stop that was not confirmed has left the fleet in, and how to undo it."""

from __future__ import annotations

from typing import Final

from snow_white.model.action import Action
from snow_white.model.counts import counted
from snow_white.model.report import Report
from snow_white.model.stated_request import StatedRequest
from snow_white.model.verdict import Verdict
from snow_white.reporting.commands import SLASH_COMMAND, shell_line, slash_text
from snow_white.slack.text import length, preformatted

_ASLEEP: Final = (Verdict.QUIET, Verdict.STOPPED)
_MAX_COMMAND: Final = 2_000


def fleet_state(report: Report, request: StatedRequest, *, slash_command: bool) -> str:
    """Who sleeps, who does not, and the command that wakes them; "" if nobody was told to sleep.

    Args:
        slash_command: whether the command is one for Slack, or one for a shell.
    """
    action = report.known_action
    if report.confirmed or action is None or not action.drains:
        return ""
    if request.termination:
        return "*The instance is about to end.* It was told to take no new jobs; what it still runs may end with it."
    if report.instances:
        asleep = sum(report.counts.get(one.value, 0) for one in _ASLEEP)
        awake = report.instances - asleep - report.counts.get(Verdict.NO_WORKER.value, 0)
    elif report.so_far:
        asleep, awake = report.so_far.confirmed, report.so_far.instances - report.so_far.confirmed
    else:
        return ""
    lines = [
        f"*Asleep: {counted(asleep, 'instance')}.* They take no new jobs." if asleep else "*Asleep: none.*"
    ]
    if awake > 0:
        lines.append(
            f"*Not confirmed asleep: {counted(awake, 'instance')}.* Those that were told to sleep finish their jobs "
            "and take no new ones."
        )
    if command := wake_command(request, slash_command=slash_command):
        lines.append(f"To undo:\n{command}")
    return "\n".join(lines)


def wake_command(request: StatedRequest, *, slash_command: bool) -> str:
    """The whole command, because half of one would wake something else; "" if it is too long."""
    text = slash_text(Action.WAKE, request) if slash_command else None
    line = preformatted([f"{SLASH_COMMAND} {text}" if text else shell_line(Action.WAKE, request)])
    return line if length(line) <= _MAX_COMMAND else ""
