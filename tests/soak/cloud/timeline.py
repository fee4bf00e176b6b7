"""What happens in one region, in the order of time, and values that are remembered with the time they had them."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass
class Timeline:
    """Events to come. `now` is the time of the event that happens, or the newest time that was asked for."""

    now: float
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _count: int = 0

    def at(self, moment: float, happens: Callable[[], None]) -> None:
        """Let something happen at that moment, or at once if that is over."""
        self._count += 1
        heapq.heappush(self._events, (max(moment, self.now), self._count, happens))

    def after(self, seconds: float, happens: Callable[[], None]) -> None:
        self.at(self.now + seconds, happens)

    def advance(self, to: float) -> None:
        """Let everything happen that is due by then."""
        while self._events and self._events[0][0] <= to:
            moment, _, happens = heapq.heappop(self._events)
            self.now = moment
            happens()
        self.now = max(self.now, to)


@dataclass
class Remembered(Generic[T]):
    """A value with its past."""

    _times: list[float] = field(default_factory=list)
    _values: list[T] = field(default_factory=list)

    def set(self, moment: float, value: T) -> None:
        if self._times and self._times[-1] == moment:
            self._values[-1] = value
        elif not self._values or self._values[-1] != value:
            self._times.append(moment)
            self._values.append(value)

    @property
    def now(self) -> T:
        return self._values[-1]

    def at(self, moment: float) -> T | None:
        """The value at that moment; None before there was one."""
        if self._times and self._times[-1] <= moment:
            return self._values[-1]
        index = bisect_right(self._times, moment)
        return self._values[index - 1] if index else None

    def changes(self) -> list[tuple[float, T]]:
        """Every value with the moment from which on it had it, the oldest first."""
        return list(zip(self._times, self._values, strict=True))

    def between(self, first: float, last: float) -> list[T]:
        """Every value that it had from the first moment to the last."""
        index = bisect_right(self._times, first)
        until = bisect_right(self._times, last)
        return self._values[max(0, index - 1) : until]
