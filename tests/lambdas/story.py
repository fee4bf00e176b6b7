"""One run told step by step on the cloud in memory, in the order of the state machine's states."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

from snow_white.aws import regions
from snow_white.model.action import Action
from snow_white.model.request import Request
from snow_white.model.run import Execution, Outcome, Run
from snow_white.model.serialisation import from_json, to_json
from snow_white.steps.discover import discover
from snow_white.steps.dispatch import dispatch
from snow_white.steps.long_poll import pauses_within
from snow_white.steps.poll import poll
from snow_white.steps.termination import keep_waiting
from tests.lambdas.fake_cloud import START, FakeCloud


def request(action: Action = Action.QUIET, **changes: Any) -> Request:
    fields: dict[str, Any] = {
        "action": action,
        "application": "shop",
        "environments": ("workers",),
        "regions": ("us-east-1", "eu-west-1"),
    }
    return Request(**{**fields, **changes})


@dataclass
class Story:
    """Walks through DiscoverInstances, DispatchCommand, WaitForWorkers, PollCommand, as the state machine does.

    Attributes:
        meanwhile: called before each poll with the number of the turn: what happens outside.
        planned: called when the plan is made, before anything is sent.
        announced: called with the run whenever Slack would be told of its progress.
        polled: called with the run after each poll.
        turns: how often the state machine has come to PollCommand; one that polls several times is one.
        paused: seconds that PollCommand has waited within its invocations.
        events: how many history events the walk would have made (a Wait + Task + Choice turn is 9, a Task 5).
    """

    cloud: FakeCloud
    request: Request
    meanwhile: Callable[[int], None] = lambda _turn: None
    planned: Callable[[], None] = lambda: None
    announced: Callable[[Run], None] = lambda _run: None
    polled: Callable[[Run], None] = lambda _run: None
    outcomes: list[Outcome] = field(default_factory=list)
    turns: int = 0
    paused: float = 0.0
    events: int = 0
    largest_state: int = 0

    def end(self, most_turns: int = 5_000) -> Run:
        """The run at its end, with its report. Fails if it does not end within the turns."""
        # A cloud in memory answers at once; starting threads would take longer than all else.
        with patch.object(regions, "ThreadPoolExecutor", _OneAfterTheOther):
            return self._end(most_turns)

    def _end(self, most_turns: int) -> Run:
        found = discover(self.request, self.cloud)  # type: ignore[arg-type]
        run = Run.planned(
            Execution("arn:aws:states:us-east-1:111122223333:execution:SnowWhite:night-1", "night-1", START),
            self.request,
            found.plan,
            found.waiting_for,
            found.unsent,
        )
        run = replace(run, announced=run.progress, announced_at=self.cloud.clock.now)
        self.planned()
        run = self._dispatch(run)
        for turn in range(most_turns):
            self.cloud.clock.advance(run.wait_seconds)
            self.meanwhile(turn)
            now = self.cloud.clock.now
            regions: Any = self.cloud
            run = self._as_carried(keep_waiting(poll(run, regions, now), regions, now))
            self.polled(run)
            self.outcomes.append(run.outcome)
            if pauses_within(run):
                self.paused += run.wait_seconds
            else:
                self.turns += 1
                self.events += 9
            match run.outcome:
                case Outcome.FINISHED:
                    return run
                case Outcome.SEND:
                    run = self._dispatch(run)
                case Outcome.PROGRESS:
                    self.events += 5
                    self.announced(run)
                    announced = replace(run, announced=run.progress, announced_at=self.cloud.clock.now)
                    run = self._as_carried(announced)
        raise AssertionError(f"The run has not ended after {most_turns} turns.")

    def report(self) -> dict[str, Any]:
        report = self.end().report
        assert report is not None
        return to_json(report)

    def _dispatch(self, run: Run) -> Run:
        self.events += 5
        return self._as_carried(dispatch(run, self.cloud, self.cloud.clock.now))  # type: ignore[arg-type]

    def _as_carried(self, run: Run) -> Run:
        """The run as the next state reads it."""
        state = json.dumps(to_json(run))
        self.largest_state = max(self.largest_state, len(state))
        return from_json(json.loads(state), Run)


class _OneAfterTheOther:
    """Stands for a thread pool."""

    def __init__(self, max_workers: int) -> None:
        pass

    def __enter__(self) -> _OneAfterTheOther:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def map(self, work: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return [work(item) for item in items]
