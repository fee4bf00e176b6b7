"""Simulated time for several threads: one runs at a time, the one whose moment comes first.

A thread's own work is measured by its CPU clock and takes place on one core of which the function has a share. What
the imitation of AWS does in the same thread is left out. So calls of several threads overlap, and their work does not,
as in a function that is bound by its CPU.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from tests.soak.cloud.clock import FunctionEnded, SimulatedClock

T = TypeVar("T")


class _Strand:
    """One thread. `mark` is what its CPU clock showed when its present piece of work began."""

    def __init__(self) -> None:
        self.turn = threading.Semaphore(0)
        self.mark = 0.0
        self.away = self.in_botocore = False


class Schedule(SimulatedClock):
    """The clock of all threads that run the measured code.

    Attributes:
        share: of a core that the code has; None if its work takes no time, so that times are the same everywhere.
        cpu_seconds: of all work so far.
        botocore_seconds: the part of it that was done in calls of AWS: writing requests and reading answers.
    """

    def __init__(self, share: float | None = None) -> None:
        super().__init__()
        self.share = share
        self.cpu_seconds = self.botocore_seconds = 0.0
        self._core_free_at = self.now
        self._waiting: list[tuple[float, int, _Strand]] = []
        self._numbers = itertools.count()
        self._current = _Strand()
        self._threads = {threading.get_ident()}
        self._current.mark = time.thread_time()

    def has_thread(self) -> bool:
        """Whether the calling thread lives in simulated time."""
        return threading.get_ident() in self._threads

    def finish_work(self) -> None:
        """Let the time pass that the work since the thread's last pause takes."""
        strand = self._current
        if strand.away:
            return
        read = time.thread_time()
        seconds, strand.mark = read - strand.mark, read
        self.cpu_seconds += seconds
        self.botocore_seconds += seconds if strand.in_botocore else 0.0
        if self.share is not None:
            self.now = self._core_free_at = max(self._core_free_at, self.now) + seconds / self.share

    def discard_work(self) -> None:
        """Forget the work since the thread's last pause: it is not the measured code's."""
        self._current.mark = time.thread_time()

    @contextmanager
    def not_measured(self) -> Iterator[None]:
        """What is done within it is no work of the measured code, and takes no time but what it sleeps."""
        strand = self._current
        self.finish_work()
        was_away, strand.away = strand.away, True
        try:
            yield
        finally:
            strand.away = was_away
            strand.mark = time.thread_time()

    @contextmanager
    def in_botocore(self) -> Iterator[None]:
        """The work that is done within it is botocore's."""
        strand = self._current
        self.finish_work()
        strand.in_botocore = True
        try:
            yield
        finally:
            self.finish_work()
            strand.in_botocore = False

    def sleep(self, seconds: float) -> None:
        self.finish_work()
        me = self._current
        self._resume_at(self.now + max(0.0, seconds), me)
        self._give_turn(me)
        if self.function_ends_at is not None and self.now > self.function_ends_at:
            self.now = self.function_ends_at
            raise FunctionEnded("Sandbox.Timedout", "Task timed out")

    def wait_until(self, moment: float) -> None:
        """Pause until then, or not at all if that is over."""
        self.finish_work()
        self.sleep(moment - self.now)

    def start(self, work: Callable[[], None]) -> None:
        """Run the work in a thread of its own, which begins now."""
        strand = _Strand()

        def run() -> None:
            strand.turn.acquire()
            self._threads.add(threading.get_ident())
            strand.mark = time.thread_time()
            try:
                work()
            finally:
                self.finish_work()
                self._threads.discard(threading.get_ident())
                self._pass_on()

        threading.Thread(target=run, daemon=True).start()
        self._resume_at(self.now, strand)

    def park(self, waiters: list[_Strand]) -> None:
        """Pause until another thread hands the list to `unpark`."""
        self.finish_work()
        waiters.append(self._current)
        self._give_turn(self._current)

    def unpark(self, waiters: list[_Strand]) -> None:
        self.finish_work()
        for strand in waiters:
            self._resume_at(self.now, strand)
        waiters.clear()

    def _resume_at(self, moment: float, strand: _Strand) -> None:
        heapq.heappush(self._waiting, (moment, next(self._numbers), strand))

    def _give_turn(self, me: _Strand) -> None:
        self.now, _, strand = heapq.heappop(self._waiting)
        self._current = strand
        if strand is not me:
            strand.turn.release()
            me.turn.acquire()
        me.mark = time.thread_time()

    def _pass_on(self) -> None:
        self.now, _, self._current = heapq.heappop(self._waiting)
        self._current.turn.release()


class _Result(Future[T], Generic[T]):
    """`there_at` is when it is there: the thread that made it may be ahead of the one that asks for it."""

    def __init__(self, schedule: Schedule) -> None:
        super().__init__()
        self._schedule = schedule
        self.waiters: list[_Strand] = []
        self.there_at = 0.0

    def result(self, timeout: float | None = None) -> T:
        self.wait()
        return super().result(timeout)

    def wait(self) -> None:
        if not self.done():
            self._schedule.park(self.waiters)
        self._schedule.wait_until(self.there_at)


class Pool:
    """Stands for concurrent.futures.ThreadPoolExecutor."""

    def __init__(self, schedule: Schedule, max_workers: int = 32, **_: Any) -> None:
        self._schedule = schedule
        self._free = max_workers
        self._jobs: deque[tuple[_Result[Any], Callable[[], Any]]] = deque()
        self._results: list[_Result[Any]] = []

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()

    def shutdown(self, wait: bool = True, **_: Any) -> None:
        for one in self._results if wait else ():
            one.wait()

    def submit(self, work: Callable[..., T], *values: Any, **named: Any) -> _Result[T]:
        result: _Result[T] = _Result(self._schedule)
        self._results.append(result)
        self._jobs.append((result, lambda: work(*values, **named)))
        if self._free:
            self._free -= 1
            self._schedule.start(self._work)
        return result

    def map(self, work: Callable[..., T], *items: Iterable[Any], **_: Any) -> Iterator[T]:
        results = [self.submit(work, *each) for each in zip(*items, strict=False)]
        return (one.result() for one in results)

    def _work(self) -> None:
        while self._jobs:
            result, job = self._jobs.popleft()
            try:
                # Whoever asks for the result gets its error.
                result.set_result(job())
            except BaseException as error:  # noqa: BLE001
                result.set_exception(error)
            self._schedule.finish_work()
            result.there_at = self._schedule.now
            self._schedule.unpark(result.waiters)
        self._free += 1
