"""Looking: who is there now in one region, what was sent to whom, and what is to be said of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from snow_white import run_command
from snow_white.instances import Instance, managed_ids, present_instances
from snow_white.regions import Regions
from snow_white.request import Action
from snow_white.run import RegionPlan, Run
from snow_white.run_command import Command
from snow_white.verdict import CONFIRMED, MAX_SENDINGS, Judgement, Verdict, judge, judge_unsent

# A worker that was confirmed much earlier than the last one may have been restarted since, so it is proven again.
PROOF_IS_FRESH_FOR: Final = timedelta(seconds=120)
_PROVEN_TWICE: Final = frozenset({Action.QUIET, Action.STOP})


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
        """By instance id, the last command that was sent to it."""
        return {instance: command for command in self.commands for instance in command.instance_ids}

    @cached_property
    def sendings(self) -> Counter[str]:
        """By instance id, how many commands were sent to it."""
        return Counter(instance for command in self.commands for instance in command.instance_ids)

    @property
    def all_ended(self) -> bool:
        return not self.open

    @property
    def silent_count(self) -> int:
        """How many instances the commands that go on are still waiting for."""
        open_ones = [command for command in self.commands if command.id in self.open]
        return sum(len(command.instance_ids) - command.completed for command in open_ones)

    @cached_property
    def unsent(self) -> tuple[Instance, ...]:
        return tuple(instance for instance in self.instances if instance.id not in self.last_command)

    @cached_property
    def gone(self) -> tuple[str, ...]:
        """Ids that were sent to and are not there any more."""
        present = {instance.id for instance in self.instances}
        return tuple(sorted(self.last_command.keys() - present))


@dataclass(frozen=True)
class Standing:
    """An instance with what is said of it; `sendable` when a command should go to it."""

    instance: Instance
    judgement: Judgement
    sendable: bool = False


def look(regions: Regions, run: Run, part: RegionPlan) -> View:
    """See one region: a page of commands for each 50 sent, and the instances that are there."""
    ssm = regions.ssm(part.region)
    commands = run_command.commands_of(
        ssm,
        run.request.action,
        run.execution.name,
        run.execution.started_at,
        run.commands.get(part.region, ()),
    )
    instances = present_instances(regions.ec2(part.region), part.environments)
    view = View(part.region, tuple(instances), tuple(commands))
    return replace(view, open=frozenset(one.id for one in commands if _goes_on(regions, view, one)))


def _goes_on(regions: Regions, view: View, command: Command) -> bool:
    """Whether there is still somebody to wait for.

    A command to an instance that was terminated stays open until its whole time is over, for hours; its own
    status does not tell whom it waits for. So the details are read when it may be the lost ones only.
    """
    if command.ended:
        return False
    present = {instance.id for instance in view.instances}
    awaited = {
        one for one in command.instance_ids if one in present and view.last_command[one].id == command.id
    }
    if command.completed < len(awaited):
        return True  # whoever has ended, at least one of the awaited has not
    return any(
        invocation.instance_id in awaited and not invocation.ended
        for invocation in run_command.invocations(regions.ssm(view.region), command.id)
    )


def silent_instances(regions: Regions, view: View, most: int) -> list[Instance]:
    """Up to `most` instances on which the run's script goes on; reads no more details than that takes."""
    by_id = {instance.id: instance for instance in view.instances}
    found: list[Instance] = []
    for command in view.commands:
        if command.id not in view.open or len(found) >= most:
            continue
        found += [
            by_id[one.instance_id]
            for one in run_command.invocations(regions.ssm(view.region), command.id)
            if one.status == "inprogress"
            and one.instance_id in by_id
            and view.last_command[one.instance_id].id == command.id
        ]
    return found[:most]


def unsent_standings(
    regions: Regions, view: View, refusals: Mapping[str, str], now: datetime
) -> list[Standing]:
    """Judge the instances that nothing was sent to; those that SSM manages are to be sent to."""
    managed = managed_ids(regions.ssm(view.region), (one.id for one in view.unsent if one.running))
    return [
        Standing(
            instance,
            judge_unsent(
                instance, managed=instance.id in managed, refusal=refusals.get(instance.id), now=now
            ),
            sendable=instance.running and instance.id in managed,
        )
        for instance in view.unsent
    ]


def ended_standings(
    regions: Regions, view: View, action: Action, commands: Iterable[Command]
) -> list[Standing]:
    """Judge the instances whose last command is among the given ones and has ended on them."""
    by_id = {instance.id: instance for instance in view.instances}
    standings: list[Standing] = []
    for command in commands:
        for invocation in run_command.invocations(regions.ssm(view.region), command.id):
            instance = by_id.get(invocation.instance_id)
            if instance is None or view.last_command[instance.id].id != command.id or not invocation.ended:
                continue
            judgement = judge(action, invocation)
            again = judgement.passing and view.sendings[instance.id] < MAX_SENDINGS
            standings.append(Standing(instance, judgement, sendable=again and instance.running))
    return standings


def to_prove_again(action: Action, standings: Iterable[Standing]) -> list[Standing]:
    """Everyone who is confirmed, when the first proof is much older than the last; else nobody.

    All are asked, not the oldest only: proofs of one sending are of one age, so one more sending is enough.
    """
    if action not in _PROVEN_TWICE:
        return []
    confirmed = [one for one in standings if one.judgement.verdict in CONFIRMED]
    times = [one.judgement.confirmed_at for one in confirmed]
    known = [at for at in times if at is not None]
    fresh = len(known) == len(times) and (not known or max(known) - min(known) <= PROOF_IS_FRESH_FOR)
    return [] if fresh else confirmed


def all_standings(
    regions: Regions, view: View, action: Action, refusals: Mapping[str, str], now: datetime
) -> list[Standing]:
    """Judge every instance that is there, one standing each: none is forgotten, whatever the service shows."""
    last_ones = {command.id: command for command in view.last_command.values()}
    ended = ended_standings(regions, view, action, last_ones.values())
    unsent = unsent_standings(regions, view, refusals, now)
    judged = {standing.instance.id for standing in (*ended, *unsent)}
    silent = [
        Standing(
            instance,
            Judgement(Verdict.UNCONFIRMED, "the command sent to it has not ended there", passing=True),
            sendable=instance.running and view.sendings[instance.id] < MAX_SENDINGS,
        )
        for instance in view.instances
        if instance.id not in judged
    ]
    return [*ended, *unsent, *silent]
