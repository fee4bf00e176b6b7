"""Retry and Catch of a state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

# Neither Retry nor Catch with States.ALL takes these.
_TERMINAL: Final = frozenset({"States.DataLimitExceeded", "States.Runtime"})


def matches(names: Sequence[str], error: str) -> bool:
    """Whether one of a retrier's or catcher's ErrorEquals means the error."""
    if error in names:
        return True
    if error in _TERMINAL:
        return False
    return "States.ALL" in names or ("States.TaskFailed" in names and error != "States.Timeout")


@dataclass
class Retries:
    """Counts the attempts of one stay in a state, for each of its retriers."""

    retriers: Sequence[Mapping[str, Any]]
    random: Random
    made: dict[int, int] = field(default_factory=dict)

    def delay(self, error: str) -> float | None:
        """Seconds until the next attempt; None when the error is retried no more. The first match counts."""
        for index, retrier in enumerate(self.retriers):
            if matches(retrier["ErrorEquals"], error):
                made = self.made.get(index, 0)
                if made >= retrier.get("MaxAttempts", 3):
                    return None
                self.made[index] = made + 1
                return self._seconds(retrier, made)
        return None

    def _seconds(self, retrier: Mapping[str, Any], made: int) -> float:
        seconds = float(retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** made)
        seconds = min(seconds, retrier.get("MaxDelaySeconds", seconds))
        return self.random.uniform(0, seconds) if retrier.get("JitterStrategy") == "FULL" else seconds


def catcher_of(state: Mapping[str, Any], error: str) -> Mapping[str, Any] | None:
    """The first catcher that means the error."""
    found: Mapping[str, Any] | None = next(
        (one for one in state.get("Catch", ()) if matches(one["ErrorEquals"], error)), None
    )
    return found
