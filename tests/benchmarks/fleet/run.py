"""One execution on a fleet, to its end or until enough of it was seen, and what it has cost."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from random import Random
from types import ModuleType
from typing import Any, Final
from unittest import mock

import snow_white.slack.client
from snow_white.steps import long_poll
from snow_white.steps.poll import poll
from tests.benchmarks.fleet.cloud import FleetCloud
from tests.benchmarks.fleet.deployed import Deployed, deployed
from tests.benchmarks.fleet.edge import simulated
from tests.benchmarks.fleet.fleet import Fleet
from tests.benchmarks.fleet.functions import SETTINGS, Functions
from tests.benchmarks.fleet.schedule import Schedule
from tests.soak.cloud.slack import Slack
from tests.soak.scenarios import world
from tests.soak.scenarios.functions import forget
from tests.soak.scenarios.run import end_event
from tests.soak.states_language.machine import Execution, Json, Machine

NAME: Final = "bench-1"
# Those of the functions' Python for its younger generations.
_GARBAGE_THRESHOLDS: Final = (2_000, 10)
_NEVER: Final = 1_000_000
# What Step Functions wraps around the answer of a function.
_ANSWER_BYTES: Final = 750


class Enough(BaseException):
    """The execution need not go on."""


@dataclass
class History(Machine):
    """The state machine, with what it writes to its log.

    Attributes:
        transitions: states entered, and retries.
        data_bytes: of all inputs and outputs that stand in the events.
    """

    transitions: int = 0
    data_bytes: int = 0

    def _enter(self, execution: Execution, state: Json, data: Any, context: Json) -> tuple[Any, str | None]:
        self.transitions += 1
        after, following = super()._enter(execution, state, data, context)
        before_bytes = _size(data)
        after_bytes = before_bytes if after is data else _size(after)
        self.data_bytes += before_bytes + after_bytes
        if state["Type"] == "Task":
            self.data_bytes += before_bytes + after_bytes + _ANSWER_BYTES
        return after, following

    def _attempt(self, execution: Execution, state: Json, data: Any, context: Json) -> Any:
        self.transitions += bool(context["State"]["RetryCount"])
        return super()._attempt(execution, state, data, context)


@dataclass
class Run:
    """What became of an execution, and what it has cost."""

    fleet: Fleet
    deployed: Deployed
    execution: Execution
    functions: Functions
    cloud: FleetCloud
    slack: Slack
    history: History

    @property
    def log_bytes_of_the_machine(self) -> int:
        """As the template has it configured."""
        return self.deployed.log_bytes(self.execution.events, self.history.data_bytes)

    @property
    def seconds(self) -> float:
        return (self.execution.ended_at or self.cloud.clock.now) - self.execution.started_at

    def last_sending(self) -> float:
        """Seconds from the start to the last command of the first sending."""
        sent = [
            command.sent_at
            for region in self.cloud.cloud.regions.values()
            for command in region.run_command.commands
        ]
        return max(sent) - self.execution.started_at


@dataclass
class Bench:
    """Runs fleets with the same handlers, as warm functions.

    Attributes:
        costs_time: whether the functions' work takes time; without, times are the same on every machine.
        large: whether answers are as large as AWS's.
        short_way: leave out of botocore what only costs time.
        long_polls: whether an invocation may poll several times, as it does; else each is one poll.
    """

    handlers: Mapping[str, ModuleType]
    costs_time: bool = True
    large: bool = True
    short_way: bool = False
    throttled_share: float = 0.0
    has_buckets: bool = True
    long_polls: bool = True

    @classmethod
    def counting(cls, handlers: Mapping[str, ModuleType], **more: Any) -> Bench:
        """Counts and bytes only, which are the same on every machine."""
        return cls(handlers, costs_time=False, large=False, short_way=True, **more)

    def run(self, fleet: Fleet, enough: Callable[[Functions], bool] = lambda _: False) -> Run:
        """The execution until its end, or until `enough` says so of what was invoked."""
        clock, scenario, setup = Schedule(), fleet.scenario(), deployed()
        world_ = world.build(scenario, clock, fleet.names)
        world_.executions.running = {NAME: fleet.request()}
        cloud = FleetCloud(world_, clock, self.throttled_share, self.large, self.has_buckets)
        functions = Functions(clock, cloud, self.handlers, setup, self.costs_time)
        slack = Slack(clock, ())

        def invoke(resource: str, payload: Any) -> Any:
            result = functions.invoke(resource, payload)
            if enough(functions):
                raise Enough
            return result

        machine = History(setup.states, clock, invoke, Random(1))  # noqa: S311
        execution: list[Execution] = []
        started, walk = clock.now, machine._walk

        def walking(one: Execution) -> Any:
            execution.append(one)
            return walk(one)

        forget(self.handlers)
        with ExitStack() as stack:
            stack.enter_context(mock.patch.dict(os.environ, SETTINGS))
            stack.enter_context(mock.patch.object(snow_white.slack.client, "WebClient", lambda **_: slack))
            stack.enter_context(mock.patch.object(machine, "_walk", walking))
            stack.enter_context(mock.patch.object(long_poll, "poll", functions.counting(poll)))
            if not self.long_polls:
                stack.enter_context(mock.patch.object(long_poll, "LONGEST_PAUSE_SECONDS", 0))
            stack.enter_context(simulated(clock, cloud, short_way=self.short_way))
            stack.enter_context(_garbage_as_in_a_function())
            try:
                machine.run(NAME, fleet.request())
                functions.call("close_run", "CloseRun", end_event(execution[0], cloud.cloud))
            except Enough:
                pass
        assert execution[0].started_at == started
        return Run(fleet, setup, execution[0], functions, cloud, slack, machine)


@contextmanager
def _garbage_as_in_a_function() -> Iterator[None]:
    """Within it, Python looks for garbage as often as in a function, but never through all objects.

    A function that reads 10,000 instances does that once. Here it would be done again and again, through the millions
    of objects of the simulated AWS, and took half of the CPU time.
    """
    before = gc.get_threshold()
    gc.set_threshold(*_GARBAGE_THRESHOLDS, _NEVER)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _size(data: Any) -> int:
    return len(json.dumps(data, ensure_ascii=False).encode("utf-8", "surrogatepass"))
