"""What may be said of one instance, and why: the place where the promise is kept.

An instance is confirmed only by its own last invocation: it ended in Success with exit code 0, and the last line
of its output says the very result that the action asks for. Everything else is something else, with a reason.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from snow_white.aws.run_command import Invocation
from snow_white.judgement.host_answer import ExitCode, HostAnswer, parse_answer
from snow_white.model.action import Action
from snow_white.model.fleet import Instance, Process
from snow_white.model.verdict import Verdict

MAX_ATTEMPTS: Final = 3  # commands to one instance for one confirmation, when they are lost on the way
# A new instance's agent registers within a minute or two, and its application is deployed some minutes later; what
# is not there after this is not going to be.
STARTS_WITHIN: Final = timedelta(minutes=10)
# SSM's list of nodes may lack an instance, or all of them, for a moment.
_LISTED_WITHIN: Final = timedelta(seconds=75)

_LEAVING: Final = "the instance is shutting down, and its jobs may still run"
_HIDDEN: Final = "EC2 does not show the instance any more, but has not said that it ended"
_KILLED: Final = 128  # the shell adds the signal's number to it
AT_REST: Final = frozenset({"quiet", "stopped"})
"""The states of a process that neither runs a job nor takes one."""


@dataclass(frozen=True)
class Silence:
    """An agent that has been silent for long: SSM calls its connection lost, or it is online and answers nothing.

    Attributes:
        since: of a lost connection the last ping; of an online agent the first status command without an answer.
    """

    since: datetime
    online: bool = False


@dataclass(frozen=True)
class Judgement:
    """What is said of one instance.

    Attributes:
        transient: the reason is transient: waiting or sending again may bring a confirmation.
        soon: it is transient because of something on the host that is over in a moment.
        starting: it is transient because the host has started a short while ago, and its workers may still do so.
        unsent: no command of the run went to it.
        omitted: processes that the host left out of its answer for its length.
        asleep_by: for status, the run that has put its workers to sleep.
        took: how long after its sending it was true, at least.
    """

    verdict: Verdict
    reason: str
    processes: tuple[Process, ...] = ()
    omitted: int = 0
    transient: bool = False
    soon: bool = False
    starting: bool = False
    unsent: bool = False
    asleep_by: str = ""
    took: timedelta = timedelta()


def judge(action: Action, invocation: Invocation, age: timedelta = timedelta.max) -> Judgement:
    """Judge an instance by its last invocation, which has ended.

    Args:
        age: how long the instance had been launched when it was asked.

    Raises:
        ValueError: the invocation goes on; nothing can be said of it yet.
    """
    if not invocation.ended:
        raise ValueError(f"The invocation on {invocation.instance_id} goes on: {invocation.status}.")
    match invocation.status:
        case "success" | "failed":
            return _judge_answer(action, invocation, age)
        case "deliverytimedout":
            return _unreachable("its SSM agent did not pick up the command in time", transient=True)
        case "undeliverable" | "terminated":
            return _unreachable(
                f"SSM could not deliver the command to it ({invocation.status})", transient=True
            )
        case "timedout" | "executiontimedout":
            # It ends itself before its time limit. The agent says the same of one that somebody has killed.
            return _unconfirmed("the script was killed before it answered", transient=True)
        case "cancelled":
            return _unconfirmed("the command was cancelled")
        case status:
            return _unreachable(f"SSM refused to run the command on it ({status})")


def _judge_answer(action: Action, invocation: Invocation, age: timedelta) -> Judgement:
    answer = parse_answer(invocation.output)
    if answer is None:
        if invocation.exit_code in (None, -1) or not invocation.output.strip():
            # The agent's worker process was killed, or the agent was updated while it ran.
            return _unconfirmed("its command ended without an answer", transient=True)
        if invocation.exit_code > _KILLED:
            return _unconfirmed(f"the script was killed (exit code {invocation.exit_code})", transient=True)
        return _unconfirmed(f"its answer could not be read (exit code {invocation.exit_code})")
    return replace(_judge_said(action, invocation, answer, age), took=timedelta(seconds=answer.took))


def _judge_said(action: Action, invocation: Invocation, answer: HostAnswer, age: timedelta) -> Judgement:
    said = answer.message or "the host gave no reason"
    match (invocation.status, invocation.exit_code):
        case ("success", ExitCode.CONFIRMED) if _confirms(action, answer):
            return Judgement(
                Verdict(answer.result), said, answer.processes, answer.omitted, asleep_by=answer.asleep_by
            )
        case ("success", ExitCode.CONFIRMED) if action is Action.WAKE and answer.result == "left_alone":
            return Judgement(Verdict.LEFT_ALONE, said)
        case ("failed", ExitCode.JOBS_RUNNING) if answer.result == "busy":
            return Judgement(Verdict.BUSY, said, answer.processes, answer.omitted)
        case ("failed", ExitCode.NO_SIDEKIQ) if answer.result == "no_worker":
            up = timedelta(seconds=answer.up) if answer.up is not None else timedelta.max
            if min(age, up) < STARTS_WITHIN and action.waits_for_start:
                # The agent is there before the application is.
                state = "is new" if age < STARTS_WITHIN else "has rebooted"
                starting = _unconfirmed(f"it {state} and has no Sidekiq process yet", transient=True)
                return replace(starting, starting=True)
            return Judgement(Verdict.NO_WORKER, said)
        case ("failed", ExitCode.COULD_NOT_BE_DONE) if answer.result == "unconfirmed":
            return Judgement(
                Verdict.UNCONFIRMED,
                said,
                answer.processes,
                answer.omitted,
                transient=answer.again,
                soon=answer.again,
            )
    return _contradiction(invocation, answer)


def _confirms(action: Action, answer: HostAnswer) -> bool:
    """A quiet or stopped host lists no job and no process at work; one that does contradicts itself."""
    at_rest = all(one.state in AT_REST and not one.busy for one in answer.processes)
    return answer.result in action.confirming_results and (at_rest or not action.drains)


def judge_unsent(
    instance: Instance, *, managed: bool, refusal: str | None, waited: timedelta, now: datetime
) -> Judgement:
    """Judge an instance that no command of this run was sent to.

    Args:
        waited: how long the run has tried to send.
    """
    if instance.leaving:
        judgement = _unconfirmed(_HIDDEN if instance.hidden else _LEAVING, transient=True)
    elif not instance.running:
        judgement = _unconfirmed("the instance is still starting", transient=True)
    elif not managed:
        judgement = _unreachable(
            "its SSM agent is not registered with Systems Manager",
            transient=now - instance.launched_at < STARTS_WITHIN or waited < _LISTED_WITHIN,
        )
    else:
        judgement = _unreachable(refusal or "no command could be sent to it in time", transient=True)
    return replace(judgement, unsent=True)


def judge_unfinished(instance: Instance, silence: Silence | None) -> Judgement:
    """Judge an instance on which the command has not ended.

    Args:
        silence: of its agent; None if that has answered lately, or is not known to be silent.
    """
    if silence is not None:
        said = (
            "is online, but has not answered any status command"
            if silence.online
            else "has not been heard of"
        )
        return _unreachable(f"its SSM agent {said} since {silence.since:%Y-%m-%d %H:%M} UTC", transient=True)
    if instance.leaving:
        return _unconfirmed(_HIDDEN if instance.hidden else _LEAVING, transient=True)
    return _unconfirmed("its command has not ended", transient=True)


def _contradiction(invocation: Invocation, answer: HostAnswer) -> Judgement:
    return _unconfirmed(
        f"it answered '{answer.result}' with status {invocation.status} and exit code {invocation.exit_code}, "
        "which confirms nothing"
    )


def _unreachable(reason: str, *, transient: bool = False) -> Judgement:
    return Judgement(Verdict.UNREACHABLE, reason, transient=transient)


def _unconfirmed(reason: str, *, transient: bool = False) -> Judgement:
    return Judgement(Verdict.UNCONFIRMED, reason, transient=transient)
