"""Looking: who is there now in one region, what was sent to whom, and what is to be said of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from snow_white.aws import run_command
from snow_white.aws.instances import Instance, managed_ids, present_instances
from snow_white.aws.regions import Regions
from snow_white.aws.run_command import Command
from snow_white.judgement.verdict import (
    COMES_UP_WITHIN,
    MAX_SENDINGS,
    Judgement,
    Verdict,
    judge,
    judge_unsent,
)
from snow_white.model.request import Action
from snow_white.model.run import RegionPlan, Run

_NEW_ONES_ARE_ASKED_EVERY: Final = timedelta(seconds=60)


@dataclass(frozen=True)
class View:
    """One region as it is now.

    Attributes:
        commands: the run's own, oldest first.
        open: ids of the commands that go on on an instance which is there and was sent nothing newer.
    """

    region: str
    instances: tuple[Instance, ...]
    commands: tuple[Command, ...]
    open: frozenset[str] = frozenset()

    @cached_property
    def last_command(self) -> dict[str, Command]:
        """By instance id, the last command that was sent to it since it was launched.

        EC2 renews the time of launch when an instance is stopped and started: what it answered before is no
        answer of the workers that run now.
        """
        launched = {instance.id: instance.launched_at for instance in self.instances}
        return {
            one: command
            for command in self.commands
            for one in command.instance_ids
            if one not in launched or launched[one] <= command.requested_at
        }

    @cached_property
    def sendings(self) -> Counter[str]:
        """By instance id, how many commands were sent to it."""
        return Counter(instance for command in self.commands for instance in command.instance_ids)

    @cached_property
    def unsent(self) -> tuple[Instance, ...]:
        return tuple(instance for instance in self.instances if instance.id not in self.last_command)

    @cached_property
    def gone(self) -> tuple[str, ...]:
        """Ids that were sent to and are not there any more."""
        present = {instance.id for instance in self.instances}
        return tuple(sorted(self.last_command.keys() - present))

    @property
    def all_ended(self) -> bool:
        return not self.open

    @property
    def silent_count(self) -> int:
        """How many instances the commands that go on are still waiting for."""
        open_ones = [command for command in self.commands if command.id in self.open]
        return sum(len(command.instance_ids) - command.completed for command in open_ones)

    def awaited(self, command: Command) -> list[str]:
        """The command's instances that are there and were sent nothing newer."""
        present = {instance.id for instance in self.instances}
        return [
            one
            for one in command.instance_ids
            if one in present and one in self.last_command and self.last_command[one].id == command.id
        ]


@dataclass(frozen=True)
class Standing:
    """An instance with what is said of it now.

    Attributes:
        asked_at: when the command was sent by which it is judged.
        sendable: a command should go to it.
        waiting: none should go to it now, but what is said of it may change within the run.
    """

    instance: Instance
    judgement: Judgement
    asked_at: datetime | None = None
    sendable: bool = False
    waiting: bool = False


def look(regions: Regions, run: Run, part: RegionPlan) -> View:
    """See one region: a page of commands for each 50 sent, and the instances that are there."""
    commands = run_command.commands_of(
        regions.ssm(part.region), run.request.action, run.execution, run.commands.get(part.region, ())
    )
    instances = present_instances(regions.ec2(part.region), part.environments)
    view = View(part.region, tuple(instances), tuple(commands))
    return replace(view, open=_open_commands(regions, view))


def _open_commands(regions: Regions, view: View) -> frozenset[str]:
    """The commands with somebody to wait for.

    A command to an instance that was terminated stays open until its whole time is over, for hours; its own
    status does not tell whom it waits for. So the details are read, but no further than to the first command that
    goes on for certain: while there is one, it does not matter whom the others wait for.
    """
    running = [(command, set(view.awaited(command))) for command in view.commands if not command.ended]
    maybe_open = [command.id for command, awaited in running if awaited]
    if any(command.completed < len(awaited) for command, awaited in running):
        return frozenset(maybe_open)
    for command, awaited in running:
        if awaited and any(
            one.instance_id in awaited and not one.ended
            for one in run_command.invocations(regions.ssm(view.region), command.id)
        ):
            break
        if awaited:
            maybe_open.remove(command.id)
    return frozenset(maybe_open)


def silent_instances(regions: Regions, view: View, most: int) -> list[Instance]:
    """Up to `most` instances on which the run's script goes on; reads no more details than that takes."""
    by_id = {instance.id: instance for instance in view.instances}
    found: list[Instance] = []
    for command in view.commands:
        if command.id not in view.open or len(found) >= most:
            continue
        awaited = set(view.awaited(command))
        found += [
            by_id[one.instance_id]
            for one in run_command.invocations(regions.ssm(view.region), command.id)
            if one.status == "inprogress" and one.instance_id in awaited
        ]
    return found[:most]


def unsent_standings(
    regions: Regions, view: View, refusals: Mapping[str, str], now: datetime
) -> list[Standing]:
    """Judge the instances that nothing was sent to; those that SSM manages are to be sent to."""
    managed = managed_ids(regions.ssm(view.region), (one.id for one in view.unsent if one.running))
    standings = []
    for instance in view.unsent:
        refusal = refusals.get(instance.id) or refusals.get(view.region)
        judgement = judge_unsent(instance, managed=instance.id in managed, refusal=refusal, now=now)
        sendable = instance.running and instance.id in managed
        standings.append(
            Standing(instance, judgement, sendable=sendable, waiting=judgement.passing and not sendable)
        )
    return standings


def ended_standings(
    regions: Regions, view: View, action: Action, command: Command, now: datetime
) -> tuple[list[Standing], int]:
    """Judge the instances whose last command is this one and has ended on them.

    Returns:
        The standings, and on how many instances the command has ended, whether they are still there or not.
    """
    by_id = {instance.id: instance for instance in view.instances}
    awaited = set(view.awaited(command))
    ended = [one for one in run_command.invocations(regions.ssm(view.region), command.id) if one.ended]
    standings = []
    for invocation in ended:
        if invocation.instance_id not in awaited:
            continue
        instance = by_id[invocation.instance_id]
        age = command.requested_at - instance.launched_at
        judgement = judge(action, invocation, age)
        standings.append(_ended(instance, judgement, command, view.sendings[instance.id], age, now))
    return standings, len(ended)


def _ended(
    instance: Instance, judgement: Judgement, command: Command, sendings: int, age: timedelta, now: datetime
) -> Standing:
    """Whether it is to be sent to again: a lost command a few times, a new instance until it has come up."""
    is_new = age < COMES_UP_WITHIN
    again = judgement.passing and instance.running and (is_new or sendings < MAX_SENDINGS)
    due = not is_new or now - command.requested_at >= _NEW_ONES_ARE_ASKED_EVERY
    return Standing(instance, judgement, command.requested_at, again and due, again and not due)


def all_standings(
    regions: Regions, view: View, action: Action, refusals: Mapping[str, str], now: datetime
) -> list[Standing]:
    """Judge every instance that is there, one standing each: none is forgotten, whatever the service shows."""
    last_ones = {command.id: command for command in view.last_command.values()}
    standings = unsent_standings(regions, view, refusals, now)
    for command in last_ones.values():
        if view.awaited(command):
            standings += ended_standings(regions, view, action, command, now)[0]
    judged = {standing.instance.id for standing in standings}
    return standings + [
        Standing(
            instance,
            Judgement(Verdict.UNCONFIRMED, "the command sent to it has not ended there", passing=True),
            view.last_command[instance.id].requested_at,
            sendable=instance.running
            and view.last_command[instance.id].id not in view.open
            and view.sendings[instance.id] < MAX_SENDINGS,
        )
        for instance in view.instances
        if instance.id not in judged
    ]
