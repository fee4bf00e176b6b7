"""A snapshot of one region: which instances are there now, and which commands of the run were sent to whom."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property

from snow_white.aws import run_command
from snow_white.aws.instances import present_instances
from snow_white.aws.regions import Regions
from snow_white.aws.run_command import Command
from snow_white.model.fleet import Instance, RegionPlan
from snow_white.model.run import Run


@dataclass(frozen=True)
class RegionSnapshot:
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
        """The instances to which no command was sent since they were launched."""
        return tuple(instance for instance in self.instances if instance.id not in self.last_command)

    @cached_property
    def gone(self) -> tuple[str, ...]:
        """Ids that were sent to and are not there any more."""
        return tuple(sorted(self.last_command.keys() - self._present))

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
            if one in self._present and one in self.last_command and self.last_command[one].id == command.id
        ]

    @cached_property
    def _present(self) -> frozenset[str]:
        return frozenset(instance.id for instance in self.instances)


def take_snapshot(regions: Regions, run: Run, part: RegionPlan) -> RegionSnapshot:
    """See one region: a page of commands for each 50 sent, and the instances that are there."""
    commands = run_command.commands_of(
        regions.ssm(part.region), run.request.action, run.execution, run.commands.get(part.region, ())
    )
    instances = present_instances(regions.ec2(part.region), part.environments)
    snapshot = RegionSnapshot(part.region, tuple(instances), tuple(commands))
    return replace(snapshot, open=_open_commands(regions, snapshot))


def _open_commands(regions: Regions, snapshot: RegionSnapshot) -> frozenset[str]:
    """The commands that still run on an instance which matters.

    A command to an instance that was terminated stays open until its whole time is over, for hours; its own
    status does not tell whom it waits for. So the details are read, but no further than to the first command that
    goes on for certain: while there is one, it does not matter whom the others wait for.
    """
    running = [
        (command, set(snapshot.current_instances(command)))
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


def instances_in_progress(regions: Regions, snapshot: RegionSnapshot, most: int) -> list[Instance]:
    """Up to `most` instances on which the run's script goes on; reads no more details than that takes."""
    by_id = {instance.id: instance for instance in snapshot.instances}
    found: list[Instance] = []
    for command in snapshot.commands:
        if command.id not in snapshot.open or len(found) >= most:
            continue
        current = set(snapshot.current_instances(command))
        found += [
            by_id[one.instance_id]
            for one in run_command.invocations(regions.ssm(snapshot.region), command.id)
            if one.status == "inprogress" and one.instance_id in current
        ]
    return found[:most]
