"""The limit on the time that the notifier may wait for Slack."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class TimeLimit:
    """A time limit that is over at `until`, in seconds of `clock`. The default never ends."""

    until: float = math.inf
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def of(cls, seconds: float, clock: Callable[[], float] = time.monotonic) -> TimeLimit:
        """A time limit that is over in so many seconds."""
        return cls(clock() + seconds, clock)

    @property
    def left(self) -> float:
        """The seconds left; zero or negative when the limit is over."""
        return self.until - self.clock()
