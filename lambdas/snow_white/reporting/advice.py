"""What a person should do about an instance that is not confirmed."""

from __future__ import annotations

from typing import Final

from snow_white.model.action import Action
from snow_white.model.report import Stated
from snow_white.model.verdict import Verdict

_ADVICE: Final = {
    Verdict.BUSY: (
        "its jobs go on and nothing was killed. Wait for them and run {action} again, with a longer "
        "timeout_seconds if they take that long."
    ),
    Verdict.UNREACHABLE: (
        "look in Systems Manager, Fleet Manager, whether its agent is online and its instance profile has "
        "AmazonSSMManagedInstanceCore. Mend or terminate the instance, then run {action} again."
    ),
    Verdict.UNCONFIRMED: (
        "read the command's output in Systems Manager, Run Command, and look at the host. Its workers may still "
        "take jobs, so do not go on before {action}, run again, confirms it."
    ),
    Verdict.NO_WORKER: (
        "if there should be Sidekiq, look whether it starts on the host; if not, name other environments."
    ),
}
_BUSY_BEFORE_WAKING: Final = (
    "a worker that is quiet still runs jobs, and waking would kill them. Wait for them and run wake again."
)


def what_to_do(verdict: str, action: Stated) -> str | None:
    """A sentence without its first capital, to follow a colon; None for a verdict that asks for nothing."""
    known = next((advice for one, advice in _ADVICE.items() if one.value == verdict), None)
    if known is None:
        return None
    acting = Action.known(action)
    if verdict == Verdict.BUSY and acting is not None and not acting.drains:
        return _BUSY_BEFORE_WAKING
    return known.format(action=action)
