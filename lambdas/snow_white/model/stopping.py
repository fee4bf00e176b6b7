"""Runs that were ended from outside, and who stopped them.

Snow White's own tools write who it was into the cause with which they stop an execution.
"""

from __future__ import annotations

import re
from typing import Final

RUN_ABORTED: Final = "RunAborted"
RUN_TIMED_OUT: Final = "RunTimedOut"
"""The errors in the reports of such runs."""

STOPPED_BY_PERSON: Final = "StoppedByPerson"
"""The error with which Snow White's own tools stop an execution."""
_CAUSE: Final = re.compile(r"Stopped (?:on the command line|in Slack) by (?P<who>.+)\.")


def stopped_on_command_line(who: str) -> str:
    """The cause for a run that `who` stops: the name of an IAM user, or an ARN."""
    return f"Stopped on the command line by {who}."


def stopped_in_slack(who: str) -> str:
    """The cause for a run that `who` stops: a text from `slack_user`."""
    return f"Stopped in Slack by {who}."


def who_stopped(error: str | None, cause: str | None) -> str:
    """Who stopped the execution, from its error and cause; "" if they do not say it."""
    found = _CAUSE.fullmatch(cause or "") if error == STOPPED_BY_PERSON else None
    return found["who"] if found else ""
