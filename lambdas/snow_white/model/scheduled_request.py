"""The requests of the runs that Snow White itself schedules."""

from __future__ import annotations

from dataclasses import asdict

from snow_white.model.action import Action
from snow_white.model.reminder import Reminder
from snow_white.model.request import Request
from snow_white.model.selection import selection
from snow_white.model.stated_request import StatedRequest


def wake_request(
    request: Request, run: str, name: str, member: str | None, requester: str
) -> dict[str, object]:
    """The request of the wake: for the workers that the run has put to sleep, and told in the same places.

    Args:
        run: the run as hosts remember it, "TIME NAME".
        name: the name of its execution.
        member: the requester's Slack member id, if it is known.
        requester: the requester's name; "" if it is not known.
    """
    directly = request.direct_message
    if directly is None and request.slack_user is None:
        directly = False  # a request that names the member wants a message to them, too
    by = f", asked for by {requester[:100]}" if requester else ""
    given = {
        "action": Action.WAKE.value,
        **selection(StatedRequest.of(request)),
        "channel": request.channel,
        "slack_user": request.slack_user or member,
        "direct_message": directly,
        "requested_by": f"run {name} (wake_after_seconds{by})",
        "only_asleep_by": run,
        "termination": asdict(request.termination) if request.termination else None,
    }
    return {key: value for key, value in given.items() if value is not None}


def look_request(request: StatedRequest, reminder: Reminder) -> dict[str, object]:
    """The request of a look at the same fleet, of which only the threads of the run's messages are told."""
    return {
        "action": Action.STATUS.value,
        **selection(request),
        "requested_by": f"run {reminder.name} (reminder)",
        "reminder": {
            "run": reminder.run,
            "ended_at": reminder.ended_at.isoformat(),
            "look": reminder.look,
            "after_seconds": reminder.after_seconds,
            "posts": [asdict(post) for post in reminder.posts],
            "member": reminder.member,
        },
    }
