"""Advice for each verdict: what to do about an instance that is not confirmed."""

from __future__ import annotations

from typing import Final

from snow_white.model.action import Action
from snow_white.model.report import Stated
from snow_white.model.termination import Termination
from snow_white.model.verdict import Verdict

_ADVICE: Final = {
    Verdict.BUSY: (
        "jobs are still running; none was killed. Wait until they have finished, then run {action} again, "
        "with a longer timeout_seconds if needed."
    ),
    Verdict.UNREACHABLE: (
        "check in Systems Manager, Fleet Manager, that the agent is online and that the instance profile has "
        "AmazonSSMManagedInstanceCore. Repair or terminate the instance, then run {action} again."
    ),
    Verdict.UNCONFIRMED: (
        "read the command's output in Systems Manager, Run Command, and check the host. Workers there may still "
        "take jobs, so do not continue until another {action} confirms it."
    ),
    Verdict.NO_WORKER: (
        "if Sidekiq should run there, check why it does not start; if not, name other environments."
    ),
}
_BUSY_BEFORE_WAKING: Final = (
    "quiet workers still run jobs, and waking them would kill these. Wait until they have finished, then run "
    "wake again."
)
_ENDS: Final = "the instance ends all the same, so look for jobs that were cut off."
_MORE_TIME: Final = (
    " If jobs need longer, give the lifecycle hook a longer heartbeat timeout; up to 48 hours are waited for."
)


def what_to_do(verdict: str, action: Stated, termination: Termination | None = None) -> str | None:
    """A sentence that begins in lower case, to follow a colon; None for a verdict that needs no action.

    Args:
        action: the run's action as the request states it.
        termination: why the instance is about to end, if the run was for that.
    """
    advice = next((advice for one, advice in _ADVICE.items() if one.value == verdict), None)
    if advice is None:
        return None
    if termination:
        return _ENDS + _MORE_TIME * (verdict == Verdict.BUSY and termination.lifecycle_action is not None)
    known_action = Action.known(action)
    if verdict == Verdict.BUSY and known_action is not None and not known_action.drains:
        return _BUSY_BEFORE_WAKING
    return advice.format(action=action)
