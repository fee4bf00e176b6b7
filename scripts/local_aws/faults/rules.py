"""The faults as they are asked for: what goes wrong, at which calls, how often, and until when."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar, get_args

PATH: Final = "/_local/faults"
"""Where the gateway serves the switchboard."""

Answer = Literal[
    "throttled",
    "error",
    "timeout",
    "reset",
    "html",
    "truncated",
    "cut",
    "empty",
    "no_rows",
    "row_missing",
    "rows_doubled",
    "stale",
    "slow",
]
Failure = Literal["crash_before", "crash_after", "timeout", "called_twice"]
Delivery = Literal["lost", "twice"]
_REAL_ANSWER: Final = frozenset(
    {"truncated", "cut", "no_rows", "row_missing", "rows_doubled", "stale", "slow"}
)
"""The answers that are made of the service's own, so that it does its work in any case."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """To which of the calls that match a fault it happens.

    Attributes:
        calls: to how many; None: to all, until it is cleared or its time is over.
        skip: how many matching calls pass first.
        chance: of each call, from 0 to 1, by a generator of random numbers with this `seed`.
        for_seconds: after so many it is over; None: never.
    """

    calls: int | None = 1
    skip: int = 0
    chance: float = 1.0
    seed: int = 0
    for_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class CallFault(Schedule):
    """What happens to calls of a service; an empty action or region stands for all of them.

    Attributes:
        answer: `throttled` and `error` (500) are the service's own errors. With `timeout` nothing is answered for
            `seconds`; with `reset` the connection breaks. `html` is a proxy's page with status 200, `empty` has
            status 200 and no body; neither has a request id. The connection breaks in the middle of a
            `truncated` one, and `cut` is the first half as if it were all (botocore takes cut JSON for an empty
            answer). `no_rows`, `row_missing` and `rows_doubled` are well-formed lists. `stale` is the answer that the
            same call had last. `slow` is the right answer, `seconds` late.
        after_effect: whether the service does its work before the answer goes wrong.
        spares_root: whether the root user's calls, those of the test or the demo itself, never match.
        mentions: a text in the body of the calls that match, such as a name that only one test uses.
    """

    service: str
    answer: Answer
    action: str = ""
    region: str = ""
    mentions: str = ""
    after_effect: bool = False
    seconds: float = 70.0
    spares_root: bool = False

    def __post_init__(self) -> None:
        _check("fault", self.answer, get_args(Answer))
        if self.answer == "throttled" and self.after_effect:
            raise ValueError("A throttled call has no effect.")

    def matches(
        self, service: str, action: str, region: str, is_root: bool = False, body: bytes = b""
    ) -> bool:
        return (
            self.service == service
            and self.action in ("", action)
            and self.region in ("", region)
            and not (is_root and self.spares_root)
            and self.mentions.encode() in body
        )

    @property
    def does_the_work(self) -> bool:
        """Whether the service is called at all."""
        return self.after_effect or self.answer in _REAL_ANSWER


@dataclass(frozen=True, kw_only=True)
class FunctionFault(Schedule):
    """What happens to invocations of the Lambda functions whose names contain `function`.

    `crash_before` and `crash_after` its effect read Runtime.ExitError. With `timeout` it does its work, but its answer
    is a time-out. With `called_twice` it runs twice with the same event.
    """

    function: str
    failure: Failure

    def __post_init__(self) -> None:
        _check("failure", self.failure, get_args(Failure))


@dataclass(frozen=True, kw_only=True)
class EventFault(Schedule):
    """What happens to events of a source such as `aws.autoscaling`: EventBridge never has them, or delivers them twice.

    `mentions` is a text in their detail, such as a name that only one test uses.
    """

    source: str
    delivery: Delivery
    mentions: str = ""

    def __post_init__(self) -> None:
        _check("delivery", self.delivery, get_args(Delivery))

    def matches(self, event: Mapping[str, Any]) -> bool:
        return self.source == event["Source"] and self.mentions in event["Detail"]


Rule = TypeVar("Rule", CallFault, FunctionFault, EventFault)


class Rules(Generic[Rule]):
    """The rules that are in force, and what they did. Safe for use by several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._active: list[_Active[Rule]] = []
        self._happened: list[dict[str, Any]] = []
        self._clock = clock
        self._lock = threading.Lock()

    def add(self, rule: Rule) -> None:
        """Put a rule in force; of several that match a call the first one applies."""
        with self._lock:
            self._active.append(_Active(rule, self._clock()))

    def clear(self) -> None:
        """Remove all rules, and forget what they did."""
        with self._lock:
            self._active.clear()
            self._happened.clear()

    def take(self, matches: Callable[[Rule], bool], **call: str) -> Rule | None:
        """The rule that applies to this call, which counts as one of its calls; `call` is recorded."""
        with self._lock:
            now = self._clock()
            self._active = [each for each in self._active if not each.is_over(now)]
            for each in self._active:
                if matches(each.rule) and each.applies():
                    self._happened.append(call)
                    return each.rule
        return None

    @property
    def happened(self) -> list[dict[str, Any]]:
        """The calls that something happened to, oldest first."""
        with self._lock:
            return list(self._happened)


class _Active(Generic[Rule]):
    def __init__(self, rule: Rule, now: float) -> None:
        self.rule: Rule = rule
        self._skip = rule.skip
        self._left = rule.calls
        self._random = random.Random(rule.seed)  # noqa: S311  # it is to be repeatable
        self._ends_at = None if rule.for_seconds is None else now + rule.for_seconds

    def is_over(self, now: float) -> bool:
        return self._left == 0 or (self._ends_at is not None and now >= self._ends_at)

    def applies(self) -> bool:
        """Whether it applies to this call that matches; counts the call."""
        if self._skip > 0:
            self._skip -= 1
            return False
        if self._left == 0 or self._random.random() >= self.rule.chance:
            return False
        if self._left is not None:
            self._left -= 1
        return True


def _check(what: str, given: str, possible: tuple[str, ...]) -> None:
    if given not in possible:
        raise ValueError(f"There is no {what} {given!r}, only {', '.join(possible)}.")
