"""Polling several times within one invocation."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from snow_white.model.run import Execution, Outcome, Run
from snow_white.model.termination import LifecycleAction, Notice, Termination
from snow_white.steps.discover import discover
from snow_white.steps.dispatch import dispatch
from snow_white.steps.long_poll import long_poll
from tests.lambdas.fake_cloud import START, FakeCloud, FakeLifecycleAction
from tests.lambdas.fake_hosts import Answer
from tests.lambdas.story import request


class Polling:
    """One host whose job ends some seconds after it was sent to, and the pauses between the polls."""

    def __init__(self, answers_after: float) -> None:
        self.cloud = FakeCloud()
        (host,) = self.cloud["us-east-1"].add_environment("shop", "shop-workers", instances=1)
        host.answers = [Answer(answers_after)]
        self.pauses: list[float] = []
        plan = discover(request(), self.cloud).plan  # type: ignore[arg-type]
        execution = Execution("arn:aws:states:us-east-1:111122223333:execution:SnowWhite:one", "one", START)
        run = Run.planned(execution, request(), plan)
        run = replace(run, announced=run.progress, announced_at=START)
        self.run = dispatch(run, self.cloud, self.cloud.clock.now)  # type: ignore[arg-type]

    def poll_after(self, seconds: float) -> Run:
        self.cloud.clock.advance(seconds)
        return long_poll(self.run, self.cloud, lambda: self.cloud.clock.now, self._sleep)  # type: ignore[arg-type]

    def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.cloud.clock.advance(seconds)


def test_an_answer_that_comes_within_seconds_is_read_by_the_same_invocation() -> None:
    polling = Polling(answers_after=20)
    assert polling.poll_after(12).outcome is Outcome.FINISHED
    assert polling.cloud.clock.now - START <= timedelta(seconds=22)
    assert set(polling.pauses) == {2}


def test_an_invocation_ends_after_some_polls_and_the_wait_state_goes_on() -> None:
    polling = Polling(answers_after=1_000)
    after = polling.poll_after(12)
    assert (after.outcome, after.wait_seconds) == (Outcome.WORKING, 2)
    assert 60 <= sum(polling.pauses) <= 62


@pytest.mark.parametrize("elapsed", [550, 3_600])
def test_longer_pauses_are_left_to_the_wait_state(elapsed: int) -> None:
    polling = Polling(answers_after=7_000)
    after = polling.poll_after(elapsed)
    assert after.wait_seconds >= elapsed * 0.01
    assert polling.pauses == []


def test_heartbeats_of_a_termination_go_on_within_an_invocation() -> None:
    polling = Polling(answers_after=1_000)
    region = polling.cloud["us-east-1"]
    (instance,) = region.instances
    token = "87654321-4321-4321-4321-210987654321"
    waiting = FakeLifecycleAction("shop", "SnowWhite", instance, START, heartbeat_seconds=30)
    region.lifecycle_actions[token] = waiting
    action = LifecycleAction("shop", "SnowWhite", token, waiting.heartbeat_seconds)
    leaving = replace(
        polling.run.request,
        regions=("us-east-1",),
        instances=(instance,),
        termination=Termination(Notice.LIFECYCLE_ACTION, action),
    )
    polling.run = replace(polling.run, request=leaving)
    polling.poll_after(12)
    assert len(waiting.heartbeats) == 7
    assert not waiting.is_over(polling.cloud.clock.now)


def test_nothing_is_asked_before_a_host_can_have_proven_anything() -> None:
    assert Polling(answers_after=20).run.wait_seconds == 12
