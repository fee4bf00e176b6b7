"""A script: what each task of an execution answers. A trace: what an interpreter made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """Of one invocation of a task's function: its result, or an error; after so many seconds."""

    result: Any = None
    error: str | None = None
    cause: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Script:
    """The execution's input, and for each Task state the outcomes of its invocations. The last outcome stays."""

    input: Any
    tasks: Mapping[str, Sequence[Outcome]]


@dataclass(frozen=True)
class Trace:
    """The course of one execution.

    Attributes:
        path: the states that were entered, each with the seconds since the start.
        tasks: the invocations: the state, the function's name, the payload.
        handled: the states whose errors were handled, each with "Retry" or "Catch"; told by Node's interpreter only.
    """

    path: list[tuple[str, float]]
    tasks: list[tuple[str, str, Any]]
    status: str
    seconds: float
    output: Any = None
    error: str | None = None
    cause: str | None = None
    handled: list[tuple[str, str]] = field(default_factory=list)

    @property
    def states(self) -> list[str]:
        return [name for name, _ in self.path]

    def comparable(self) -> Trace:
        """The trace without what each interpreter words by itself, and without parts of a millisecond."""
        own_words = self.error is None or self.error.startswith("States.")
        return Trace(
            [(name, round(seconds, 2)) for name, seconds in self.path],
            [(state, function, _without_own_words(payload)) for state, function, payload in self.tasks],
            self.status,
            round(self.seconds, 2),
            _without_own_words(self.output),
            self.error,
            None if own_words else self.cause,
        )


def _without_own_words(value: Any) -> Any:
    """The causes of the interpreter's own errors, such as States.Timeout, left out."""
    if isinstance(value, list):
        return [_without_own_words(one) for one in value]
    if not isinstance(value, dict):
        return value
    if str(value.get("Error", "")).startswith("States."):
        return {"Error": value["Error"]}
    return {key: _without_own_words(one) for key, one in value.items()}
