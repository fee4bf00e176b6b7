"""An interpreter of the Amazon States Language (JSONPath) with a clock of its own.

It runs Pass, Task, Wait, Choice, Succeed and Fail, counts history events as Step Functions counts them, and keeps its
limits: 25,000 events, 262,144 bytes of state.
"""

from __future__ import annotations

import json
import marshal
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from random import Random
from typing import Any, Final, Protocol

from tests.soak.states_language import choice, paths
from tests.soak.states_language.retries import Retries, catcher_of

MOST_EVENTS: Final = 25_000
MOST_BYTES: Final = 262_144
_CAUSE: Final = 32_768  # characters of a cause that are kept
Json = dict[str, Any]


class Clock(Protocol):
    """Seconds since 1970, and a way to let them pass."""

    @property
    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class StateError(Exception):
    """An error as states see it: its name, and its cause."""

    def __init__(self, name: str, cause: str = "") -> None:
        super().__init__(f"{name}: {cause}")
        self.name = name
        self.cause = cause[:_CAUSE]


class _Ended(Exception):
    """The whole execution ends, whatever its states would catch."""

    def __init__(self, status: str, error: str, cause: str) -> None:
        super().__init__(error)
        self.status, self.error, self.cause = status, error, cause


@dataclass
class Execution:
    """One execution and what became of it.

    Attributes:
        events: history events so far.
        largest: bytes of the largest state so far.
        steps: for each entered state, its name and when it was entered.
        passed: seconds spent in Wait states and in pauses before retries, by name of the state.
    """

    name: str
    arn: str
    input: Any
    started_at: float
    status: str = "RUNNING"
    output: Any = None
    error: str | None = None
    cause: str | None = None
    ended_at: float | None = None
    events: int = 0
    largest: int = 0
    steps: list[tuple[str, float]] = field(default_factory=list)
    state: Any = None


Invoke = Callable[[str, Any], Any]
"""Runs a task: the resource's function name and the payload; returns its result, as JSON, or raises StateError."""


@dataclass
class Machine:
    """A definition, with what its tasks call; `stopped_at` is when a person stops the execution, or when it dies."""

    definition: Json
    clock: Clock
    invoke: Invoke
    random: Random
    stopped_at: float = math.inf
    dies: bool = False

    def run(self, name: str, data: Any) -> Execution:
        """Start an execution and follow it to its end."""
        arn = f"arn:aws:states:us-east-1:111122223333:execution:SnowWhite:{name}"
        execution = Execution(name, arn, data, self.clock.now, state=data)
        execution.events = 1
        try:
            execution.output = self._walk(execution)
            execution.status = "SUCCEEDED"
        except StateError as error:
            execution.status, execution.error, execution.cause = "FAILED", error.name, error.cause
        except _Ended as end:
            execution.status, execution.error, execution.cause = end.status, end.error, end.cause
        execution.events += 1
        execution.ended_at = self.clock.now
        return execution

    def _walk(self, execution: Execution) -> Any:
        name: str | None = self.definition["StartAt"]
        data = execution.input
        while name is not None:
            state = self.definition["States"][name]
            execution.steps.append((name, self.clock.now))
            execution.state = data
            context = self._context(execution, name)
            self._count(execution, 1)
            before = data
            data, name = self._enter(execution, state, data, context)
            self._count(execution, 1)
            if data is not before and state["Type"] != "Task":
                self._measure(execution, data)
        return data

    def _enter(self, execution: Execution, state: Json, data: Any, context: Json) -> tuple[Any, str | None]:
        match state["Type"]:
            case "Pass":
                with _runtime_errors():
                    given = paths.fill(state["Parameters"], data, context) if "Parameters" in state else data
                    result = state.get("Result", given)
                    return self._left(state, data, result), _next(state)
            case "Task":
                return self._task(execution, state, data, context)
            case "Wait":
                self._pass_time(execution, self._wait_seconds(state, data, context))
                return data, _next(state)
            case "Choice":
                with _runtime_errors():
                    following = choice.next_state(state, data, context)
                if following is None:
                    raise StateError("States.NoChoiceMatched", "No rule matched.")
                return data, following
            case "Succeed":
                with _runtime_errors():
                    return paths.read(state.get("OutputPath", "$"), data, context), None
            case "Fail":
                raise StateError(*_failure(state, data, context))
            case other:
                raise ValueError(f"States of type {other} are not run here.")

    def _task(self, execution: Execution, state: Json, data: Any, context: Json) -> tuple[Any, str | None]:
        retries = Retries(state.get("Retry", ()), self.random)
        while True:
            try:
                result = self._attempt(execution, state, data, context)
                left = self._left(state, data, result)
                self._measure(execution, left)
                return left, _next(state)
            except StateError as error:
                delay = retries.delay(error.name)
                if delay is not None:
                    context["State"]["RetryCount"] += 1
                    self._pass_time(execution, delay)
                    continue
                catcher = catcher_of(state, error.name)
                if catcher is None:
                    raise
                caught = {"Error": error.name, "Cause": error.cause}
                return paths.write(catcher.get("ResultPath", "$"), data, caught), str(catcher["Next"])

    def _attempt(self, execution: Execution, state: Json, data: Any, context: Json) -> Any:
        """TaskScheduled, TaskStarted and TaskSucceeded, TaskFailed or TaskTimedOut."""
        self._count(execution, 3)
        try:
            given = paths.fill(state.get("Parameters", data), data, context)
        except paths.PathFailure as failure:
            raise StateError("States.ParameterPathFailure", str(failure)) from failure
        began = self.clock.now
        result = self.invoke(given["FunctionName"], _copied(given["Payload"]))
        self._keep_time(execution)
        if self.clock.now - began > state.get("TimeoutSeconds", 99_999_999):
            raise StateError("States.Timeout")
        return {"ExecutedVersion": "$LATEST", "Payload": result, "StatusCode": 200}

    def _left(self, state: Json, data: Any, result: Any) -> Any:
        where = state.get("ResultPath", "$")
        combined = data if where is None else paths.write(where, data, result)
        try:
            return paths.read(state.get("OutputPath", "$"), combined)
        except paths.PathFailure as failure:
            raise StateError("States.Runtime", str(failure)) from failure

    def _wait_seconds(self, state: Json, data: Any, context: Json) -> float:
        with _runtime_errors():
            seconds = (
                paths.read(state["SecondsPath"], data, context)
                if "SecondsPath" in state
                else state["Seconds"]
            )
            if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 <= seconds <= 99_999_999:
                raise StateError("States.Runtime", f"{seconds!r} is no number of seconds to wait.")
            return seconds

    def _pass_time(self, execution: Execution, seconds: float) -> None:
        limit = execution.started_at + self.definition.get("TimeoutSeconds", 31_536_000)
        until = min(limit, self.stopped_at)
        self.clock.sleep(min(seconds, max(0.0, until - self.clock.now)))
        self._keep_time(execution)

    def _keep_time(self, execution: Execution) -> None:
        if self.clock.now - execution.started_at >= self.definition.get("TimeoutSeconds", 31_536_000):
            raise _Ended("TIMED_OUT", "States.Timeout", "The execution ran longer than it may.")
        if self.clock.now >= self.stopped_at and self.dies:
            raise _Ended("FAILED", "States.Runtime", "Step Functions could not go on with the execution.")
        if self.clock.now >= self.stopped_at:
            raise _Ended("ABORTED", "", "somebody stopped it")

    def _count(self, execution: Execution, events: int) -> None:
        execution.events += events
        if execution.events > MOST_EVENTS:
            raise _Ended(
                "FAILED", "States.Runtime", "The execution reached the maximum number of history events."
            )

    def _measure(self, execution: Execution, data: Any) -> None:
        size = len(json.dumps(data, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        execution.largest = max(execution.largest, size)
        if size > MOST_BYTES:
            raise StateError("States.DataLimitExceeded", "The state is larger than 262144 bytes.")

    def _context(self, execution: Execution, state: str) -> Json:
        return {
            "Execution": {
                "Id": execution.arn,
                "Name": execution.name,
                "Input": execution.input,
                "StartTime": _iso(execution.started_at),
                "RedriveCount": 0,
            },
            "State": {"Name": state, "EnteredTime": _iso(self.clock.now), "RetryCount": 0},
            "StateMachine": {"Name": "SnowWhite"},
        }


def _failure(state: Mapping[str, Any], data: Any, context: Any) -> tuple[str, str]:
    with _runtime_errors():
        error = (
            paths.read(state["ErrorPath"], data, context) if "ErrorPath" in state else state.get("Error", "")
        )
        cause = (
            paths.read(state["CausePath"], data, context) if "CausePath" in state else state.get("Cause", "")
        )
    if not isinstance(error, str) or not isinstance(cause, str):
        raise StateError("States.Runtime", "Error and cause of a Fail state must be texts.")
    return error, cause


@contextmanager
def _runtime_errors() -> Iterator[None]:
    try:
        yield
    except paths.PathFailure as failure:
        raise StateError("States.Runtime", str(failure)) from failure


def _next(state: Mapping[str, Any]) -> str | None:
    return None if state.get("End") else str(state["Next"])


def _copied(data: Any) -> Any:
    """As it comes out of the service's JSON, which it is."""
    return marshal.loads(marshal.dumps(data))  # noqa: S302 - it was written a moment ago


@lru_cache(4)
def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
