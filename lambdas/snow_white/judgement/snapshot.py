"""A snapshot of one region: which instances are there now, and which commands of the run were sent to whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final

from snow_white.aws import run_command
from snow_white.aws.errors import call_failed
from snow_white.aws.instances import (
    launched_instances,
    leaving_instances,
    lost_agents,
    missing_instances,
    present_instances,
)
from snow_white.aws.lifecycle_actions import terminating_instances
from snow_white.aws.regions import RegionError, Regions, RegionUnavailable, both, region_errors
from snow_white.aws.run_command import Command
from snow_white.judgement.verdict import Silence
from snow_white.model.action import Action
from snow_white.model.fleet import Instance, Members, RegionPlan
from snow_white.model.run import Run

SILENT_AFTER: Final = timedelta(minutes=10)
"""How long SSM must not have heard of an agent before the run stops waiting for it."""
_INSTANCES_READ_EVERY: Final = timedelta(minutes=10)
HIDDEN_FOR: Final = timedelta(minutes=2)
"""How long EC2 must not know an instance by its id before it is gone: its answers lag, for new instances most."""
_LAUNCHES_SHOWN_WITHIN: Final = timedelta(
    minutes=15
)  # EC2's lists lag; new instances need time for their agent
_LONG_AGO: Final = datetime(2006, 8, 25, tzinfo=UTC)  # before any instance of EC2 was launched


@dataclass(frozen=True)
class RegionSnapshot:
    """One region as it is now; or, after a glance, as it has been known since the instances were last read.

    Attributes:
        assumed: ids of the instances that the glance did not read, because they are known and nothing says that they
            have been launched anew or are leaving; nothing but their ids is known.
        commands: the run's own, oldest first.
        gone: ids that were sent to, and of which EC2 says that they have ended.
        stopped: those of the gone that somebody may start again.
        silent: by instance id, the agents that have been silent for SILENT_AFTER.
        patient: what may pass is asked again for as long as the run may take.
        open: ids of the commands that go on on an instance which is there, is not silent, and was sent nothing newer.
    """

    region: str
    instances: tuple[Instance, ...]
    commands: tuple[Command, ...]
    gone: tuple[str, ...] = ()
    stopped: frozenset[str] = frozenset()
    silent: Mapping[str, Silence] = field(default_factory=dict)
    open: frozenset[str] = frozenset()
    assumed: frozenset[str] = frozenset()
    patient: bool = False

    @cached_property
    def by_id(self) -> dict[str, Instance]:
        return {instance.id: instance for instance in self.instances}

    @cached_property
    def last_command(self) -> dict[str, Command]:
        """By instance id, the last command that was sent to it since it was launched.

        EC2 renews the time of launch when an instance is stopped and started: what it answered before is no
        answer of the workers that run now.
        """
        return {
            one: command
            for command in self.commands
            for one in command.instance_ids
            if one not in self.by_id or self.by_id[one].launched_at <= command.requested_at
        }

    @cached_property
    def attempts(self) -> Counter[str]:
        """By instance id, how many commands were sent to it for one confirmation: since its launch or last renewal."""
        attempts: Counter[str] = Counter()
        for command in self.commands:
            for one in command.instance_ids:
                if one in self.by_id and self.by_id[one].launched_at > command.requested_at:
                    continue
                attempts[one] = 1 if command.is_renewal else attempts[one] + 1
        return attempts

    @cached_property
    def unsent(self) -> tuple[Instance, ...]:
        """The instances to which no command was sent since they were launched."""
        return tuple(instance for instance in self.instances if instance.id not in self.last_command)

    @property
    def ended(self) -> tuple[str, ...]:
        """Ids of those that are gone for good."""
        return tuple(one for one in self.gone if one not in self.stopped)

    @property
    def all_ended(self) -> bool:
        """Whether no command goes on."""
        return not self.open

    @property
    def in_progress_count(self) -> int:
        """How many instances the commands that go on are still waiting for."""
        open_ones = [command for command in self.commands if command.id in self.open]
        return sum(len(command.instance_ids) - command.completed for command in open_ones)

    def current_instances(self, command: Command) -> list[str]:
        """Ids of the command's instances that are there and were sent nothing newer."""
        return [
            one
            for one in command.instance_ids
            if one in self.by_id and one in self.last_command and self.last_command[one].id == command.id
        ]


def take_snapshot(regions: Regions, run: Run, part: RegionPlan, now: datetime) -> RegionSnapshot:
    """See one region: a page of commands for each 50 sent, and the instances that are there."""
    commands, present = both(
        lambda: _commands(regions, run, part),
        lambda: present_instances(regions.ec2(part.region), run.members(part)),
    )
    present = _with_terminations(regions, run, part, present)
    going_on = any(not command.ended for command in commands)
    lost = lost_agents(regions.ssm(part.region)) if going_on else None
    return _snapshot(regions, run, part, commands, present, lost, now)


def _with_terminations(
    regions: Regions, run: Run, part: RegionPlan, present: Sequence[Instance]
) -> list[Instance]:
    """The instances with what Auto Scaling says of them, for a run of others than an instance that it is ending.

    Best effort: a run for an instance that ends finds out itself if another one has woken the instance. But a wake
    would wake one that drains, so it tries the region again if what keeps Auto Scaling from answering may pass.
    """
    groups = {one.scaling_group for one in present if one.scaling_group}
    if not regions.sees_terminations or run.request.drains_one_that_ends or not groups:
        return list(present)
    try:
        with region_errors(part.region):
            ending = terminating_instances(regions.auto_scaling(part.region), groups)
    except Exception as error:
        may_pass = run.request.action is Action.WAKE and isinstance(error, RegionUnavailable)
        if may_pass or not (isinstance(error, RegionError) or call_failed(error)):
            raise
        return list(present)
    return [replace(one, terminating=one.id in ending) for one in present]


def may_glance(run: Run, regions: Regions, now: datetime) -> bool:
    """Whether the instances were read so lately that a glance is enough while commands go on.

    A glance does not tell which instances Auto Scaling is ending; a wake has to know before it sends again.
    """
    if run.request.action is Action.WAKE and regions.sees_terminations:
        return False
    read_at = run.instances_read_at
    return read_at is not None and now - read_at < _INSTANCES_READ_EVERY and run.seconds_left(now) > 0


def glance(regions: Regions, run: Run, part: RegionPlan, now: datetime) -> RegionSnapshot:
    """See one region's commands, and of its instances only what has changed since they were last read.

    EC2's answers are by far the largest, and hardly ever say anything new: 1,000 instances are 5 MB. Nothing is judged
    by a glance but that the run goes on.
    """
    ec2 = regions.ec2(part.region)
    since = (run.instances_read_at or run.execution.started_at) - _LAUNCHES_SHOWN_WITHIN
    (commands, lost), (launched, left) = both(
        lambda: both(lambda: _commands(regions, run, part), lambda: lost_agents(regions.ssm(part.region))),
        lambda: both(
            lambda: launched_instances(ec2, run.members(part), since, now),
            lambda: leaving_instances(ec2, run.members(part)),
        ),
    )
    read = {instance.id: instance for instance in [*launched, *(one for one in left if one.leaving)]}
    ended = {instance.id for instance in left} - read.keys()
    known = _known_ids(run, part, commands) - frozenset(run.gone.get(part.region, ()))
    # What EC2 did not know is asked for by its id, each time: two such moments are not one long absence.
    hidden = run.hidden_since.get(part.region, {}).keys()
    assumed = frozenset(known - read.keys() - ended - hidden)
    present = [*read.values(), *(Instance(id_, "", _LONG_AGO) for id_ in assumed)]
    return _snapshot(regions, run, part, commands, present, lost, now, assumed)


def _commands(regions: Regions, run: Run, part: RegionPlan) -> list[Command]:
    return run_command.commands_of(
        regions.ssm(part.region), run.request.action, run.execution, run.commands.get(part.region, ())
    )


def _known_ids(run: Run, part: RegionPlan, commands: Iterable[Command]) -> set[str]:
    return {one for command in commands for one in command.instance_ids} | set(
        run.unsent.get(part.region, ())
    )


def _snapshot(
    regions: Regions,
    run: Run,
    part: RegionPlan,
    commands: Sequence[Command],
    present: Sequence[Instance],
    lost: Mapping[str, datetime] | None,
    now: datetime,
    assumed: frozenset[str] = frozenset(),
) -> RegionSnapshot:
    """`lost` has what SSM says of agents; it is None if nothing goes on that could wait for one."""
    ids = {instance.id for instance in present}
    known_gone = frozenset(run.gone.get(part.region, ()))
    missing = _known_ids(run, part, commands) - ids - known_gone
    found = missing_instances(regions.ec2(part.region), sorted(missing), run.members(part))
    since = run.hidden_since.get(part.region, {})
    hidden = {one for one in found.unknown if now - since.get(one, now) < HIDDEN_FOR}
    there = [
        *present,
        *found.present,
        *(Instance(one, "", _LONG_AGO, running=False, leaving=True, hidden=True) for one in hidden),
    ]
    gone = {*found.terminated, *found.stopped, *found.unknown, *known_gone} - hidden - ids
    snapshot = RegionSnapshot(
        part.region,
        tuple(sorted(there, key=lambda one: one.id)),
        tuple(commands),
        tuple(sorted(gone)),
        frozenset(found.stopped),
        {} if lost is None else _silent_agents(run, commands, lost, there, now),
        assumed=assumed,
        patient=run.request.drains_one_that_ends,
    )
    return replace(snapshot, open=_open_commands(regions, snapshot))


def _silent_agents(
    run: Run,
    commands: Sequence[Command],
    lost: Mapping[str, datetime],
    present: Iterable[Instance],
    now: datetime,
) -> dict[str, Silence]:
    """Agents whose connection SSM calls lost, and those that leave one status command after the other unanswered.

    What SSM heard last of one that has just been started again is as old as its stop.
    """
    last_sent = {one: command.requested_at for command in commands for one in command.instance_ids}
    # Silence towards status commands counts from the command that is waited for: an earlier one was answered since.
    unanswered = {
        one: Silence(max(since, last_sent[one]), online=True)
        for one, since in run.stragglers.unanswered.items()
        if one in last_sent
    }
    silences = {**unanswered, **{one: Silence(last) for one, last in lost.items()}}
    launched = {one.id: one.launched_at for one in present}
    return {
        one: silence
        for one, silence in silences.items()
        if now - max(silence.since, launched.get(one, silence.since)) >= SILENT_AFTER
    }


def _open_commands(regions: Regions, snapshot: RegionSnapshot) -> frozenset[str]:
    """The commands that still run on an instance which matters.

    A command to an instance that was terminated, or whose agent is silent, stays open until its whole time is over, for
    hours; its own status does not tell whom it waits for. So the details are read, but no further than to the first
    command that goes on for certain: while there is one, it does not matter whom the others wait for.
    """
    running = [
        (command, set(snapshot.current_instances(command)) - snapshot.silent.keys())
        for command in snapshot.commands
        if not command.ended
    ]
    maybe_open = [command.id for command, current in running if current]
    if any(command.completed < len(current) for command, current in running):
        return frozenset(maybe_open)
    for command, current in running:
        if current and any(
            one.instance_id in current and not one.ended
            for one in run_command.invocations(regions.ssm(snapshot.region), command.id)
        ):
            break
        if current:
            maybe_open.remove(command.id)
    return frozenset(maybe_open)


def instances_in_progress(
    regions: Regions,
    snapshot: RegionSnapshot,
    members: Members,
    most: int,
    *,
    first: int = 0,
    among: Collection[str] | None = None,
) -> list[Instance]:
    """Up to `most` instances on which a command of the run goes on, those with silent agents too.

    Details are read of no more commands than needed.

    Args:
        members: of the fleet in the region; they tell the group of an instance that a glance assumed.
        first: with which of the commands that go on to begin, so that repeated calls come to all of them.
        among: ids of the only instances that are wanted.
    """
    going = [command for command in snapshot.commands if not command.ended]
    start = first % len(going) if going else 0
    found: list[str] = []
    for command in going[start:] + going[:start]:
        wanted = set(snapshot.current_instances(command))
        if among is not None:
            wanted &= set(among)
        if not wanted or len(found) >= most:
            continue
        found += [
            one.instance_id
            for one in run_command.invocations(regions.ssm(snapshot.region), command.id)
            if not one.ended and one.instance_id in wanted
        ]
    return _read_assumed(regions, snapshot, members, found[:most])


def _read_assumed(
    regions: Regions, snapshot: RegionSnapshot, members: Members, ids: Sequence[str]
) -> list[Instance]:
    """The instances with these ids; EC2 is asked for those of which no more than that is known."""
    by_id = {instance.id: instance for instance in snapshot.instances}
    asked = [one for one in ids if one in snapshot.assumed]
    found = missing_instances(regions.ec2(snapshot.region), asked, members)
    by_id |= {instance.id: instance for instance in found.present}
    return [by_id[one] for one in ids if one not in {*found.terminated, *found.stopped}]
