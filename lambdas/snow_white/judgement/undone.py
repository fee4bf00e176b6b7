"""Confirmations that a later command of another run has undone: a worker that was quiet and then woken is not quiet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from snow_white.aws import run_command
from snow_white.aws.regions import Regions
from snow_white.aws.run_command import Command
from snow_white.judgement.assessment import Assessment
from snow_white.judgement.verdict import Judgement
from snow_white.model.action import Action
from snow_white.model.run import Run
from snow_white.model.verdict import Verdict


def mark_undone(
    regions: Regions, run: Run, region: str, assessments: Sequence[Assessment]
) -> list[Assessment]:
    """The assessments of a region, with those unconfirmed to whom the opposite was sent after they were asked."""
    asked = [one.asked_at for one in assessments if one.confirmed and one.asked_at is not None]
    if not asked:
        return list(assessments)
    later: dict[str, tuple[Action, Command]] = {}
    for action in run.request.action.opposites:
        for command in run_command.commands_since(regions.ssm(region), action, min(asked)):
            # Hosts that this run has put to sleep leave it alone.
            if action is Action.WAKE and command.run not in ("", run_command.run_parameter(run.execution)):
                continue
            for id_ in _recipients(regions, region, command):
                if id_ not in later or later[id_][1].requested_at < command.requested_at:
                    later[id_] = (action, command)
    return [_judged(one, later.get(one.instance.id)) for one in assessments]


def _recipients(regions: Regions, region: str, command: Command) -> Iterable[str]:
    """Its instances; ListCommands does not name those of a command that somebody has sent by tag."""
    if command.instance_ids:
        return command.instance_ids
    return [one.instance_id for one in run_command.invocations(regions.ssm(region), command.id)]


def _judged(assessment: Assessment, later: tuple[Action, Command] | None) -> Assessment:
    if later is None or not assessment.confirmed or assessment.asked_at is None:
        return assessment
    action, command = later
    if command.requested_at <= assessment.asked_at:
        return assessment
    was = assessment.judgement
    reason = (
        f"it was {was.verdict.words}, but then {action.value} was sent to it at {command.requested_at:%H:%M} UTC "
        f"by {command.sender}"
    )
    judgement = Judgement(Verdict.UNCONFIRMED, reason, was.processes, was.omitted)
    return replace(assessment, judgement=judgement, sendable=False, waiting=False)
