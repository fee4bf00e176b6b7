"""What the tables of the matrix are made of: steps, faults, and the outcome that is expected of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from tests.soak.cloud.faults import ANY, ApiFault
from tests.soak.matrix.outcomes import Outcome
from tests.soak.scenarios.scenario import FOREVER, Scenario

STOPPED_AT: Final = 5.0
"""Seconds after the start, while the hosts work: where a run is stopped to see what close_run does."""
ACTIONS: Final = ("quiet", "stop", "wake", "status")


class Step(StrEnum):
    """Where a fault begins. The last poll is the one that would confirm everything."""

    DISCOVER = "DiscoverInstances"
    ANNOUNCE_START = "AnnounceStart"
    DISPATCH = "DispatchCommand"
    POLL = "PollCommand"
    LAST_POLL = "last PollCommand"
    NOTIFY = "NotifySlack"
    CLOSE = "close_run"
    CLOSE_FAILED = "close_run after a failure"
    CLOSE_DIED = "close_run after a death"


CLOSES: Final = (Step.CLOSE, Step.CLOSE_FAILED, Step.CLOSE_DIED)


@dataclass(frozen=True)
class Begin:
    """Where and when a fault begins in a run of `action`.

    Attributes:
        at: seconds after the start of the run.
        invocation: which invocation of the step's function begins then, from 0.
        seconds: how long the fault lasts; FOREVER for one that stays.
    """

    action: str
    step: Step
    at: float
    invocation: int
    seconds: float

    @property
    def stays(self) -> bool:
        return self.seconds >= FOREVER


Inject = Callable[[Scenario, Begin], Scenario]
"""Puts a fault into an undisturbed scenario."""


@dataclass(frozen=True)
class Row:
    """One fault.

    Attributes:
        fault: in words.
        like_it: other faults in words that the functions cannot tell from it; test_equal_faults.py shows that.
        inject: puts it into a scenario.
        passes, stays: by the step in which it begins, what is expected if it passes, and if it stays.
        except_passes, except_stays: the same for single actions, where they differ.
    """

    fault: str
    inject: Inject
    passes: Mapping[Step, Outcome] = field(default_factory=dict)
    stays: Mapping[Step, Outcome] = field(default_factory=dict)
    except_passes: Mapping[tuple[Step, str], Outcome] = field(default_factory=dict)
    except_stays: Mapping[tuple[Step, str], Outcome] = field(default_factory=dict)
    like_it: tuple[str, ...] = ()

    def expected(self, step: Step, action: str, *, stays: bool) -> Outcome | None:
        """None where the fault has nothing to hit."""
        table, exceptions = (self.stays, self.except_stays) if stays else (self.passes, self.except_passes)
        return exceptions.get((step, action)) or table.get(step)


@dataclass(frozen=True)
class Cell:
    """One fault that begins in one step of a run of one action, and passes or stays."""

    group: Group
    row: Row
    step: Step
    action: str
    stays: bool
    expected: Outcome

    def __str__(self) -> str:
        lasts = "stays" if self.stays else "passes"
        return f"{self.action}: {self.row.fault}, beginning in {self.step}, {lasts}"


@dataclass(frozen=True)
class Group:
    """Faults of one part of the world.

    Attributes:
        passes_after: seconds.
        timeout_seconds: of the runs.
        intro: for the page.
    """

    title: str
    intro: str
    steps: tuple[Step, ...]
    rows: tuple[Row, ...]
    passes_after: float
    timeout_seconds: int

    def cells(self, row: Row) -> Iterator[Cell]:
        for stays in (False, True):
            for step in self.steps:
                for action in ACTIONS:
                    expected = row.expected(step, action, stays=stays)
                    if expected is not None:
                        yield Cell(self, row, step, action, stays, expected)


def at_each(steps: tuple[Step, ...], outcome: Outcome) -> dict[Step, Outcome]:
    return dict.fromkeys(steps, outcome)


def calls_fail(kind: str, region: str, *operations: str) -> Inject:
    """Calls of these operations, or of all, go wrong in a region."""
    return lambda scenario, begin: replace(
        scenario,
        faults=tuple(
            ApiFault(kind, region, operation, begin.at, begin.seconds) for operation in operations or (ANY,)
        ),
    )
