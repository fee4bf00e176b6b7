"""One scenario run to its end, and what is known of it afterwards."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any, Final
from unittest import mock

from aws_lambda_powertools.utilities.idempotency import base as handler
from aws_lambda_powertools.utilities.idempotency.persistence import base, datarecord, dynamodb

import snow_white.aws.regions
import snow_white.slack.client
from tests.soak.cloud.clock import SimulatedClock
from tests.soak.cloud.cloud import Cloud
from tests.soak.cloud.edge import Edge, simulated, simulated_time_in
from tests.soak.cloud.run_command import Command
from tests.soak.cloud.shared_clients import shared_clients
from tests.soak.cloud.slack import Slack
from tests.soak.scenarios import world
from tests.soak.scenarios.definition import definition
from tests.soak.scenarios.functions import ENVIRONMENT, Functions, forget, load_handlers
from tests.soak.scenarios.scenario import Scenario
from tests.soak.states_language.machine import Execution, Machine, StateError

NAME: Final = "night-1"
_WITH_CLOCKS: Final = (snow_white.aws.regions, handler, base, datarecord, dynamodb)
_RETRIED_AFTER: Final = (60.0, 120.0)  # Lambda's own retries of an event


@dataclass
class Ended:
    """A run at its end, with the cloud that knows the truth.

    Attributes:
        state: the last state's input, which holds the run.
        report: None if there is none.
    """

    scenario: Scenario
    execution: Execution
    cloud: Cloud
    functions: Functions
    slack: Slack
    injected: Counter[str] = field(default_factory=Counter)

    @property
    def state(self) -> Mapping[str, Any]:
        return self.execution.state if isinstance(self.execution.state, dict) else {}

    @property
    def report(self) -> Mapping[str, Any] | None:
        found = self.state.get("report")
        return found if isinstance(found, dict) else None

    @property
    def reported_at(self) -> float:
        """When the report was made."""
        report = self.report or {}
        said = report.get("ended_at")
        return datetime.fromisoformat(said).timestamp() if said else self.execution.ended_at or 0.0

    def own_commands(self) -> Iterator[tuple[str, Command]]:
        """The commands that the run has sent, with their regions."""
        for region in self.cloud.regions.values():
            for command in region.run_command.commands:
                if command.comment.startswith(f"SnowWhite {NAME} "):
                    yield region.name, command


def run(scenario: Scenario) -> Ended:
    """The whole execution, and the function that cleans up after it."""
    clock = SimulatedClock()
    cloud = world.build(scenario, clock)
    defined = definition()
    functions = Functions(clock, defined.functions, scenario.lambda_faults)
    slack = Slack(clock, scenario.slack_faults)
    machine = Machine(
        defined.states,
        clock,
        functions.invoke,
        Random(scenario.seed),  # noqa: S311
        clock.now + scenario.stopped_at,
        scenario.dies,
    )
    edge = Edge(clock, functions.count_call(cloud), functions.unless_crashing(cloud.undisturbed))
    with simulated(edge, scenario.seed), _in_place(clock, slack), functions.logging():
        execution = machine.run(NAME, scenario.request)
        cloud.advance()
        _close(execution, cloud, functions)
    injected = cloud.faults.injected + functions.injected
    injected.update(f"host {one.kind}" for one in scenario.events)
    injected.update(f"command {one.kind}" for one in scenario.deliveries)
    injected.update(f"answer {one.lie}" for one in scenario.hosts if one.lie)
    injected.update(f"slack {one.kind}" for one in scenario.slack_faults)
    return Ended(scenario, execution, cloud, functions, slack, injected)


@contextmanager
def _in_place(clock: SimulatedClock, slack: Slack) -> Iterator[None]:
    """Slack's client and the modules' clocks replaced; what warm functions remember is forgotten."""
    handlers = load_handlers()
    forget(handlers)
    with ExitStack() as stack:
        stack.enter_context(shared_clients())
        stack.enter_context(mock.patch.dict(os.environ, ENVIRONMENT))
        stack.enter_context(mock.patch.object(snow_white.slack.client, "WebClient", lambda **_: slack))
        stack.enter_context(simulated_time_in([*handlers.values(), *_WITH_CLOCKS], clock))
        yield


def _close(execution: Execution, cloud: Cloud, functions: Functions) -> None:
    """What EventBridge does at the end of every execution."""
    event = end_event(execution, cloud)
    for _ in range(2):  # EventBridge may deliver it twice
        for pause in (*_RETRIED_AFTER, 0.0):
            try:
                functions.perform("close_run", "close_run", event)
                break
            except StateError:
                functions.clock.sleep(pause)


def end_event(execution: Execution, cloud: Cloud) -> dict[str, Any]:
    """The event about the execution's end; the cloud has the end of its history from then on."""
    step, entered = execution.steps[-1]
    cloud.executions.history = [
        {"timestamp": execution.ended_at, "type": _END_EVENTS[execution.status], "id": 3},
        {
            "timestamp": entered,
            "type": "PassStateEntered",
            "id": 2,
            "stateEnteredEventDetails": {"name": step, "input": json.dumps(execution.state)},
        },
    ]
    return {
        "detail": {
            "executionArn": execution.arn,
            "name": execution.name,
            "status": execution.status,
            "startDate": int(execution.started_at * 1000),
            "redriveCount": 0,
            "stopDate": int((execution.ended_at or 0) * 1000),
            "error": execution.error,
            "cause": execution.cause,
        }
    }


_END_EVENTS: Final = {
    "SUCCEEDED": "ExecutionSucceeded",
    "FAILED": "ExecutionFailed",
    "TIMED_OUT": "ExecutionTimedOut",
    "ABORTED": "ExecutionAborted",
}
