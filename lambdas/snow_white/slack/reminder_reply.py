"""The reply in a run's thread that says who still sleeps, and how to wake them."""

from __future__ import annotations

from typing import Final

from snow_white.model.counts import counted
from snow_white.model.reminder import MOST_LOOKS, Reminder
from snow_white.model.report import Report
from snow_white.model.stated_request import StatedRequest
from snow_white.reporting.sleepers import sleepers
from snow_white.slack.fleet_state import wake_command
from snow_white.slack.text import escaped, local_time

_MAX_NAME: Final = 80


def reminder_reply(report: Report, request: StatedRequest, reminder: Reminder, *, slash_command: bool) -> str:
    """For example `3 workers on 2 instances of backups still sleep`, with a mention; "" if nobody is known to sleep.

    Args:
        slash_command: whether the command that wakes them is one for Slack, or one for a shell.
    """
    found = sleepers(report, reminder.name)
    if not found.processes:
        return ""
    mention = f"<@{reminder.member}> " if reminder.member else ""
    at_least = "at least " if found.at_least else ""
    since = f", since {local_time(found.since)}" if found.since else ""
    verb = "sleeps" if found.processes == 1 else "sleep"
    lines = [
        f"{mention}💤 {at_least}{counted(found.processes, 'worker')} on {counted(found.hosts, 'instance')} of "
        f"{escaped(request.fleet_name, _MAX_NAME)} still {verb}{since}."
    ]
    if found.silent:
        lines.append(f"{counted(found.silent, 'instance')} did not answer.")
    if reminder.look == MOST_LOOKS:
        lines.append("This is the last reminder.")
    if command := wake_command(request, slash_command=slash_command):
        lines.append(f"To wake them:\n{command}")
    return "\n".join(lines)
