"""The simulated clock: nothing waits, and every wait is counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

START: Final = datetime(2026, 3, 1, 9, 0, tzinfo=UTC).timestamp()


class FunctionEnded(BaseException):
    """Lambda ends a function in the middle of its work: nothing in it can catch that."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error, self.cause = error, cause


@dataclass
class SimulatedClock:
    """Seconds since 1970.

    Attributes:
        function_ends_at: when Lambda ends the function that runs; None outside of functions.
    """

    now: float = START
    function_ends_at: float | None = None

    def sleep(self, seconds: float) -> None:
        self.now += max(0.0, seconds)
        if self.function_ends_at is not None and self.now > self.function_ends_at:
            self.now = self.function_ends_at
            raise FunctionEnded("Sandbox.Timedout", "Task timed out")

    @property
    def elapsed(self) -> float:
        """Seconds since the scenario began."""
        return self.now - START
