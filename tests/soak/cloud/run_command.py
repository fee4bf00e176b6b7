"""SSM Run Command in one region: commands, their delivery to agents, and what the lists say of them, and when."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, Final
from uuid import UUID

from tests.soak.cloud.encoding import ServiceError
from tests.soak.cloud.host import Script
from tests.soak.cloud.instance import Instance
from tests.soak.cloud.timeline import Timeline

ACTIONS: Final = {
    "SnowWhite-QuietSidekiqWorkers": "quiet",
    "SnowWhite-StopSidekiqWorkers": "stop",
    "SnowWhite-WakeSidekiqWorkers": "wake",
    "SnowWhite-StatusSidekiqWorkers": "status",
}
_LONGEST_LAG: Final = 2.0  # seconds until the lists show what happened, without a fault
Json = dict[str, Any]


@dataclass
class Invocation:
    """One command on one instance.

    Attributes:
        taken_at: when it began to read as in progress, which a command that was lost does too.
        started_at: when its script began.
        ended_at: None while it goes on.
    """

    instance: Instance
    lag: float
    status: str = "Pending"
    output: str = ""
    exit_code: int = -1
    taken_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    script: Script | None = None


@dataclass
class Command:
    """One command, with its invocations by instance id."""

    id: str
    document: str
    comment: str
    sent_at: float
    limit: int
    expires_at: float
    lag: float
    invocations: dict[str, Invocation] = field(default_factory=dict)

    def completed(self, at: float) -> int:
        return sum(one.ended_at is not None and one.ended_at <= at for one in self.invocations.values())


@dataclass
class RunCommand:
    """The service in one region.

    Attributes:
        deliveries: by instance and the number of its command, what happens to it: "lost" or "twice".
        lies: by instance, what its answers are replaced with.
    """

    timeline: Timeline
    random: Random
    region: str
    instances: dict[str, Instance]
    deliveries: Mapping[tuple[str, int], str] = field(default_factory=dict)
    lies: Mapping[str, str] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)
    waiting: list[tuple[Command, Invocation]] = field(default_factory=list)
    received: Counter[str] = field(default_factory=Counter)

    def send(self, request: Mapping[str, Any]) -> Command:
        """SendCommand: one id that cannot be sent to refuses the whole call."""
        now = self.timeline.now
        ids = request["InstanceIds"]
        if len(ids) > 50:
            raise ServiceError("ValidationException", "Member must have length less than or equal to 50")
        if len(ids) != len(set(ids)):
            raise ServiceError(
                "DuplicateInstanceId", "You can't specify an instance ID in more than one target."
            )
        wrong = [one for one in ids if one not in self.instances or not self.instances[one].is_managed(now)]
        if wrong:
            raise ServiceError("InvalidInstanceId", f"Instances {wrong} not in a valid state for account")
        limit = int(request["Parameters"]["executionTimeout"][0])
        command = Command(
            id=str(UUID(int=self.random.getrandbits(128))),
            document=request["DocumentName"],
            comment=request.get("Comment", ""),
            sent_at=now,
            limit=limit,
            expires_at=now + request["TimeoutSeconds"] + limit,
            lag=self.random.uniform(0, _LONGEST_LAG),
        )
        self.commands.append(command)
        for one in ids:
            invocation = Invocation(self.instances[one], self.random.uniform(0, _LONGEST_LAG))
            command.invocations[one] = invocation
            self.timeline.at(command.expires_at, partial(self._expire, invocation))
            self._hand_over(command, invocation)
        return command

    def cancel(self, command_id: str) -> None:
        command = self._command(command_id)
        for invocation in command.invocations.values():
            if invocation.ended_at is None:
                if invocation.script:
                    invocation.instance.host.kill(invocation.script)
                self._finish(invocation, "Cancelled")

    def agent_returned(self, instance: Instance) -> None:
        """Deliver what waited for it."""
        due = [pair for pair in self.waiting if pair[1].instance is instance]
        self.waiting = [pair for pair in self.waiting if pair[1].instance is not instance]
        for command, invocation in due:
            self.timeline.after(1, partial(self._start, command, invocation))

    def host_went_down(self, instance: Instance, *, reported: bool) -> None:
        """Its scripts are dead; some agents report that after they are back, others never do."""
        if reported:
            for invocation in self._running_on(instance):
                how = self.random.choice(("unanswered", "killed", "signalled", "told"))
                self.timeline.after(90, partial(self._end_script, invocation, how))

    def kill_scripts(self, instance: Instance) -> None:
        """The kernel, short of memory, or a person kills the scripts; the agent reads exit code 137 as a time-out."""
        for invocation in self._running_on(instance):
            assert invocation.script
            instance.host.kill(invocation.script)
            self._end_script(invocation, "killed")

    def _running_on(self, instance: Instance) -> list[Invocation]:
        found = [one.invocations[instance.id] for one in self.commands if instance.id in one.invocations]
        return [one for one in found if one.script and one.ended_at is None]

    def _end_script(self, invocation: Invocation, how: str) -> None:
        """What the agent reports of a script that did not end by itself."""
        match how:
            case "unanswered":
                self._finish(invocation, "Failed")
            case "killed":
                self._finish(invocation, "ExecutionTimedOut", 137, _stderr(137))
            case "signalled":
                self._finish(invocation, "Failed", 143, _stderr(143))
            case "told":
                self._finish(invocation, "Failed", 1, _TOLD_TO_END + _stderr(1))

    def listed(self, at: float, lag: float) -> list[tuple[Command, float]]:
        """The commands that a list shows at that moment, newest first, each with the moment that it is shown of."""
        shown = [(one, at - lag - one.lag) for one in self.commands]
        return [(one, of) for one, of in reversed(shown) if one.sent_at <= of]

    def _command(self, command_id: str) -> Command:
        for command in self.commands:
            if command.id == command_id:
                return command
        raise ServiceError("InvalidCommandId", "")

    def find(self, command_id: str, at: float, lag: float) -> tuple[Command, float]:
        command = self._command(command_id)
        of = at - lag - command.lag
        if command.sent_at > of:
            raise ServiceError("InvalidCommandId", "")
        return command, of

    def _hand_over(self, command: Command, invocation: Invocation) -> None:
        instance = invocation.instance
        fate = self.deliveries.get((instance.id, self.received[instance.id]), "")
        self.received[instance.id] += 1
        if fate == "lost":
            invocation.taken_at = self.timeline.now
            return
        if not instance.is_online:
            self.waiting.append((command, invocation))
            return
        self.timeline.after(self.random.uniform(0.3, 2), lambda: self._start(command, invocation))
        if fate == "twice":
            self.timeline.after(5, lambda: self._start(command, invocation, again=True))

    def _start(self, command: Command, invocation: Invocation, *, again: bool = False) -> None:
        if invocation.ended_at is not None or invocation.instance.host.down:
            return
        if not again:
            invocation.started_at = invocation.taken_at = self.timeline.now
        script = invocation.instance.host.run(
            ACTIONS[command.document], command.limit, lambda code, line: self._report(invocation, code, line)
        )
        invocation.script = invocation.script or script

    def _report(self, invocation: Invocation, code: int, line: str) -> None:
        """The agent tells the end of a script, once it is connected."""
        instance = invocation.instance
        if invocation.ended_at is not None:
            return
        if not instance.is_online:
            self.timeline.after(30, lambda: self._report(invocation, code, line))
            return
        code, output = _lie(self.lies.get(instance.id, ""), code, line)
        if code:
            output += _stderr(code)
        self.timeline.after(
            0.5, lambda: self._finish(invocation, "Failed" if code else "Success", code, output)
        )

    def _expire(self, invocation: Invocation) -> None:
        self._finish(invocation, "DeliveryTimedOut")

    def _finish(self, invocation: Invocation, status: str, code: int = -1, output: str = "") -> None:
        if invocation.ended_at is None:
            invocation.ended_at = self.timeline.now
            invocation.status, invocation.exit_code, invocation.output = status, code, output


_TOLD_TO_END: Final = json.dumps(
    {
        "result": "unconfirmed",
        "processes": [],
        "omitted": 0,
        "again": True,
        "message": "The script was ended by a signal, exit code 1. Nothing is confirmed.",
    }
)


def _stderr(code: int) -> str:
    return f"\n----------ERROR-------\nfailed to run commands: exit status {code}"


def _lie(kind: str, code: int, line: str) -> tuple[int, str]:
    """What an agent or a host garbles on the way."""
    match kind:
        case "cut":
            return code, line[: len(line) // 2]
        case "empty":
            return code, ""
        case "surrogate":
            return code, line.replace("shop", "\\ud800")
        case "huge":
            return code, line.replace('"busy": 0', '"busy": 1e308').replace('"busy": 1', '"busy": 1e308')
        case "control":
            return code, line.replace("shop", "\\u0000\\u001b[31m\\u202e")
        case "contradiction":
            return 0, line.replace('"busy": 0', '"busy": 3')
        case "other-code":
            return 3 - code, line
        case "noise":
            return code, f"Warning: the clock is off\n{line}\nbye"
    return code, line
