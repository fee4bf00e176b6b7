"""The assessment of each instance: its verdict, and whether a command should be sent to it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from snow_white.aws.ended_commands import invocations_of
from snow_white.aws.instances import managed_ids
from snow_white.aws.regions import Regions
from snow_white.aws.run_command import Command
from snow_white.judgement.snapshot import RegionSnapshot
from snow_white.judgement.verdict import (
    MAX_ATTEMPTS,
    STARTS_WITHIN,
    Judgement,
    judge,
    judge_unfinished,
    judge_unsent,
)
from snow_white.model.action import Action
from snow_white.model.fleet import Instance
from snow_white.model.run import CommandReading, Run
from snow_white.model.verdict import CONFIRMED, HARMLESS, Verdict

_NEW_INSTANCES_RETRIED_EVERY: Final = timedelta(seconds=60)
# Time for a command to be cancelled, or for a shutdown.
_BUSY_HOSTS_RETRIED_AFTER: Final = timedelta(seconds=20)
_MISSING_ROW_AWAITED: Final = timedelta(seconds=60)
_ENDED_BY_AUTO_SCALING: Final = "Auto Scaling is terminating the instance"
LISTS_LAG_FOR: Final = timedelta(seconds=20)
"""How long a row is waited for at least after its command reads as ended."""


@dataclass(frozen=True)
class Assessment:
    """An instance with what is said of it now.

    Attributes:
        asked_at: when the command was sent by which it is judged.
        sendable: a command should go to it.
        waiting: none should go to it now, but what is said of it may change within the run.
        lagging: its command reads as ended, but the list of answers does not show that.
        rechecked_at: when it was last asked whether it still is what it was confirmed to be.
        refuted: it was confirmed, and its answer to that was that it is so no more.
    """

    instance: Instance
    judgement: Judgement
    asked_at: datetime | None = None
    sendable: bool = False
    waiting: bool = False
    lagging: bool = False
    rechecked_at: datetime | None = None
    refuted: bool = False

    @property
    def confirmed(self) -> bool:
        return self.judgement.verdict in CONFIRMED

    def true_at(self, now: datetime) -> datetime | None:
        """The latest moment of which its answer is surely true, by the service's clock; None without an answer.

        A host counts the seconds since its command has come, so its own clock may be off. What it counts beyond now
        is wrong, and does not count.
        """
        if self.asked_at is None:
            return None
        at = self.asked_at + self.judgement.took
        return at if at <= now else self.asked_at


def assess_unsent(regions: Regions, snapshot: RegionSnapshot, run: Run, now: datetime) -> list[Assessment]:
    """Assess the instances that nothing was sent to; those that SSM manages are to be sent to.

    Those that are only assumed are left out: for a day one may have no agent, and SSM is not asked at each glance.
    """
    waited = now - (run.dispatched_at or now)
    unsent = [one for one in snapshot.unsent if one.id not in snapshot.assumed]
    managed = managed_ids(regions.ssm(snapshot.region), (one.id for one in unsent if one.running))
    assessments = []
    for instance in unsent:
        refusal = run.refusals.get(instance.id) or run.refusals.get(snapshot.region)
        judgement = judge_unsent(
            instance, managed=instance.id in managed, refusal=refusal, waited=waited, now=now
        )
        sendable = instance.running and instance.id in managed
        waiting = judgement.transient and not sendable
        assessments.append(Assessment(instance, judgement, sendable=sendable, waiting=waiting))
    return assessments


def assess_ended(
    regions: Regions, snapshot: RegionSnapshot, action: Action, command: Command, now: datetime
) -> tuple[list[Assessment], int]:
    """Assess the instances whose last command is this one and has ended on them.

    Returns:
        The assessments, and on how many instances the command has ended, whether they are still there or not.
    """
    current = set(snapshot.current_instances(command))
    ended = [one for one in invocations_of(regions, snapshot.region, command) if one.ended]
    assessments = []
    for invocation in ended:
        if invocation.instance_id not in current:
            continue
        instance = snapshot.by_id[invocation.instance_id]
        age = command.requested_at - instance.launched_at
        judgement = judge(action, invocation, age)
        attempts = snapshot.attempts[instance.id]
        assessment = _assess(instance, judgement, command, attempts, age, now, patient=snapshot.patient)
        assessments.append(assessment)
    return assessments, len(ended)


def _assess(
    instance: Instance,
    judgement: Judgement,
    command: Command,
    attempts: int,
    age: timedelta,
    now: datetime,
    *,
    patient: bool,
) -> Assessment:
    """A lost command is sent again a few times, one to a new instance until its workers have had time to start.

    With `patient` it is sent again at growing distances, until time is over.
    """
    is_new = age < STARTS_WITHIN or judgement.starting
    again = judgement.transient and instance.running and (is_new or patient or attempts < MAX_ATTEMPTS)
    pause = timedelta()
    if is_new:
        pause = _NEW_INSTANCES_RETRIED_EVERY
    elif judgement.soon or patient:
        pause = _BUSY_HOSTS_RETRIED_AFTER * (attempts if patient else 1)
    due = now - command.requested_at >= pause
    assessment = Assessment(instance, judgement, command.requested_at, again and due, again and not due)
    return _until_it_has_left(assessment)


def _until_it_has_left(assessment: Assessment) -> Assessment:
    """An instance that is shutting down is waited for: its jobs may still run, and soon it is gone."""
    if not assessment.instance.leaving or assessment.confirmed:
        return assessment
    return replace(assessment, sendable=False, waiting=True)


def with_leaving(action: Action, assessments: Iterable[Assessment]) -> list[Assessment]:
    """The assessments, with those changed whose instances Auto Scaling is ending.

    None is woken: it would take jobs, and end with them. To be quieted or stopped they are asked as others are; one
    that is not confirmed, because another command drains it, is waited for until it is gone.
    """
    return [_of_leaving(action, one) if one.instance.terminating else one for one in assessments]


def _of_leaving(action: Action, assessment: Assessment) -> Assessment:
    judgement = assessment.judgement
    if action is Action.WAKE:
        what = "so it was not woken" if assessment.asked_at is None else "after it was told to wake"
        left = Judgement(Verdict.LEFT_ALONE, f"{_ENDED_BY_AUTO_SCALING}, {what}")
        return replace(assessment, judgement=left, sendable=False, waiting=False)
    if not action.drains or judgement.verdict in CONFIRMED | HARMLESS:
        return assessment
    drained = judgement.verdict is Verdict.UNCONFIRMED and not assessment.sendable
    named = replace(judgement, reason=f"{judgement.reason}; {_ENDED_BY_AUTO_SCALING}")
    return replace(assessment, judgement=named, waiting=assessment.waiting or drained)


def assess_lost(
    snapshot: RegionSnapshot, lost: Iterable[str], assessed: Iterable[Assessment]
) -> list[Assessment]:
    """Assess the instances whose command was lost: it reads as in progress, and no command is at work there.

    Args:
        assessed: those whose command has ended meanwhile, which are left out.
    """
    ended = {one.instance.id for one in assessed}
    by_id = {instance.id: instance for instance in snapshot.instances if instance.id not in ended}
    assessments = []
    for instance in (by_id[id_] for id_ in lost if id_ in by_id and id_ in snapshot.last_command):
        last = snapshot.last_command[instance.id]
        again = (
            instance.running and last.id in snapshot.open and snapshot.attempts[instance.id] < MAX_ATTEMPTS
        )
        judgement = judge_unfinished(instance, None)
        assessments.append(Assessment(instance, judgement, last.requested_at, sendable=again))
    return assessments


def assess_commands(
    regions: Regions, snapshot: RegionSnapshot, action: Action, commands: Iterable[Command], now: datetime
) -> tuple[list[Assessment], dict[str, CommandReading]]:
    """Assess those whose last command is one of these; also what was read of each command, by short id."""
    assessments: list[Assessment] = []
    readings = {}
    for command in commands:
        found, ended = assess_ended(regions, snapshot, action, command, now)
        assessments += found
        again = any(one.sendable or one.waiting for one in found)
        readings[command.short_id] = CommandReading(
            -1 if again else ended, sum(one.confirmed for one in found)
        )
    return assessments, readings


def assess_all(
    regions: Regions, snapshot: RegionSnapshot, run: Run, now: datetime, *, but: Collection[str] = ()
) -> tuple[list[Assessment], dict[str, CommandReading]]:
    """Assess every instance that is there, each once: none is forgotten, whatever the service shows.

    Args:
        but: ids of commands that are not read; their instances are left out.

    Returns:
        The assessments, and what was read of each command by its short id.
    """
    last_ones = {command.id: command for command in snapshot.last_command.values()}
    read = [
        command
        for command in last_ones.values()
        if command.id not in but and snapshot.current_instances(command)
    ]
    ended, readings = assess_commands(regions, snapshot, run.request.action, read, now)
    assessments = assess_unsent(regions, snapshot, run, now) + ended
    assessed = {one.instance.id for one in assessments}
    unfinished = [
        _assess_unfinished(snapshot, instance, run, now)
        for instance in snapshot.instances
        if instance.id not in assessed and snapshot.last_command[instance.id].id not in but
    ]
    return assessments + unfinished, readings


def settled(snapshot: RegionSnapshot, readings: Mapping[str, CommandReading]) -> frozenset[str]:
    """Ids of the commands that have ended on all of their instances and were read since: their answers are the last."""
    return frozenset(
        command.id
        for command in snapshot.commands
        if command.short_id in readings
        and readings[command.short_id].completed == command.completed == len(command.instance_ids)
    )


def _assess_unfinished(snapshot: RegionSnapshot, instance: Instance, run: Run, now: datetime) -> Assessment:
    """Of an instance whose command has not ended there, as far as the service shows."""
    last = snapshot.last_command[instance.id]
    silence = snapshot.silent.get(instance.id)
    judgement = judge_unfinished(instance, silence)
    if silence is not None or last.id in snapshot.open:
        return _until_it_has_left(Assessment(instance, judgement, last.requested_at))
    # The command reads as ended before its row does, and the lists may lag. What stays missing is sent again.
    attempts = snapshot.attempts[instance.id]
    due = (
        now - last.requested_at >= _MISSING_ROW_AWAITED * attempts
        and now - (run.lagging_since or now) >= LISTS_LAG_FOR
    )
    again = instance.running and attempts < MAX_ATTEMPTS
    return _until_it_has_left(
        Assessment(
            instance, judgement, last.requested_at, sendable=again and due, waiting=not due, lagging=True
        )
    )
