"""Rechecks: whether workers that were confirmed still are, asked while others still work.

What asks is the status document, which has no code that signals a worker. So a recheck changes nothing on any host,
however late it is delivered, and the run need not wait for its answers: without one the former confirmation counts for
as long as it is fresh.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from snow_white.aws import run_command
from snow_white.aws.ended_commands import invocations_of
from snow_white.aws.regions import Regions
from snow_white.aws.run_command import Command, Invocation
from snow_white.judgement.assessment import Assessment
from snow_white.judgement.freshness import FRESH_FOR
from snow_white.judgement.host_answer import NOTHING_AT_WORK, parse_answer
from snow_white.judgement.verdict import AT_REST, Judgement, judge
from snow_white.model.action import Action
from snow_white.model.fleet import Process
from snow_white.model.run import Run
from snow_white.model.verdict import Verdict

# Of older ones every answer is stale.
_COUNT_FOR: Final = FRESH_FOR + timedelta(minutes=3)


def is_recheckable(assessment: Assessment) -> bool:
    """Whether the status document can tell that it is still so: the confirmation lists every process."""
    judgement = assessment.judgement
    return judgement.verdict is Verdict.NO_WORKER or (
        judgement.verdict in (Verdict.QUIET, Verdict.STOPPED)
        and bool(judgement.processes)
        and not judgement.omitted
    )


def may_have_rechecks(run: Run, now: datetime) -> bool:
    """Whether rechecks were sent that still count."""
    return run.rechecked_at is not None and now - run.rechecked_at < _COUNT_FOR


def with_rechecks(
    regions: Regions, run: Run, region: str, assessments: Sequence[Assessment], now: datetime
) -> list[Assessment]:
    """The assessments of a region, each by its last answer to a recheck: true since then, or refuted."""
    by_id = {one.instance.id: one for one in assessments}
    unanswered = {id_ for id_, one in by_id.items() if is_recheckable(one)}
    for command in reversed(run_command.rechecks_of(regions.ssm(region), run.execution, now - _COUNT_FOR)):
        asked = {id_ for id_ in unanswered & {*command.instance_ids} if _is_later(command, by_id[id_])}
        for id_ in asked:
            by_id[id_] = replace(by_id[id_], rechecked_at=by_id[id_].rechecked_at or command.requested_at)
        for invocation in invocations_of(regions, region, command) if asked and command.completed else ():
            if invocation.instance_id not in asked:
                continue
            answered = after_answer(run.request.action, by_id[invocation.instance_id], command, invocation)
            if answered is not None:
                by_id[invocation.instance_id] = answered
                unanswered.remove(invocation.instance_id)
    return [by_id[one.instance.id] for one in assessments]


def _is_later(command: Command, assessment: Assessment) -> bool:
    return assessment.asked_at is not None and command.requested_at > assessment.asked_at


def after_answer(
    action: Action, assessment: Assessment, command: Command, invocation: Invocation
) -> Assessment | None:
    """The assessment after an answer; None for one that says nothing.

    It is lost, the host could not look, a command is at work there, or a worker may be about to start.
    """
    answer = parse_answer(invocation.output) if invocation.ended else None
    if answer is None or answer.result == Verdict.UNCONFIRMED:
        return None
    was, instance = assessment.judgement, assessment.instance
    age = command.requested_at - instance.launched_at
    said = judge(action if answer.result == Verdict.NO_WORKER else Action.STATUS, invocation, age)
    at_rest = all(one.state in AT_REST and not one.busy for one in said.processes)
    why = said.reason
    if said.verdict is Verdict.REPORTED and at_rest:
        if said.omitted or answer.at_work != NOTHING_AT_WORK:
            return None
        still = was.verdict is not Verdict.NO_WORKER and _are_same(was.processes, said.processes)
        why = "its processes are others than before"
    else:
        still = said.verdict is was.verdict  # without a worker, as before
    if still and answer.starting:
        return None
    if still:
        return replace(assessment, asked_at=command.requested_at, judgement=replace(was, took=said.took))
    reason = f"it was {was.verdict.words}, but at {command.requested_at:%H:%M} UTC no more: {why}"
    return replace(
        assessment,
        asked_at=command.requested_at,
        judgement=Judgement(Verdict.UNCONFIRMED, reason, said.processes, said.omitted),
        sendable=instance.running,
        waiting=instance.leaving,
        refuted=True,
    )


def _are_same(before: Sequence[Process], now: Sequence[Process]) -> bool:
    """Whether none has gone, which something may be about to start again.

    A quiet host does not list what was stopped before, unless that is all there is.
    """
    alive = {one.pid for one in now if one.state != "stopped"}
    if alive != {one.pid for one in before if one.state != "stopped"}:
        return False
    return bool(alive) or {one.supervisor for one in now} == {one.supervisor for one in before}
