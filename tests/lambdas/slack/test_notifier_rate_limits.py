"""Slack's rate limits: the notifier waits as long as its time limit allows, and notifies later otherwise."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import pytest

from local_aws.slack.server import SlackServer
from snow_white.model.progress import Progress
from snow_white.slack.time_limit import TimeLimit
from tests.lambdas.fake_cloud import START
from tests.lambdas.slack.run_notifier import CONFIRMED, LATER, at_end, messages, notifier_on, run, shown


@dataclass
class FakeClock:
    """A clock that moves only when slack_sdk sleeps."""

    sleeps: list[float] = field(default_factory=list)

    def now(self) -> float:
        return sum(self.sleeps)

    def limit(self, seconds: float) -> TimeLimit:
        return TimeLimit.of(seconds, self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    clock = FakeClock()
    monkeypatch.setattr(time, "sleep", clock.sleeps.append)
    return clock


def rate_limit(server: SlackServer, calls: int, seconds: object) -> None:
    server.workspace.fail_next(calls=calls, answer="rate_limited", retry_after=seconds)  # type: ignore[arg-type]


def test_a_rate_limit_within_the_time_limit_is_waited_for(server: SlackServer, clock: FakeClock) -> None:
    rate_limit(server, 1, 100)
    assert notifier_on(server, time_limit=clock.limit(250)).announce(run(), START).slack.posts
    (sleep,) = clock.sleeps
    assert 100 <= sleep <= 101


def test_a_start_that_hits_a_long_rate_limit_is_shown_by_the_next_progress(
    server: SlackServer, clock: FakeClock
) -> None:
    rate_limit(server, 1, 600)
    started = notifier_on(server, time_limit=clock.limit(250)).announce(run(), START)
    assert (started.slack.posts, clock.sleeps) == ((), [])
    assert not messages(server)
    halfway = replace(started, progress=Progress(2, 3))
    going = notifier_on(server, time_limit=clock.limit(250)).announce(halfway, LATER)
    (first,) = messages(server)
    assert "2 of 3" in shown(first)
    ended = notifier_on(server).end(at_end(going, CONFIRMED))
    assert [one.get("thread_ts") for one in messages(server)] == [None, first["ts"]]
    assert ended["report"]["slack"]["delivered"] is True


def test_an_end_that_hits_a_long_rate_limit_is_reported_as_not_delivered(
    server: SlackServer, clock: FakeClock
) -> None:
    started = notifier_on(server).announce(run(), START)
    rate_limit(server, 9, 600)
    ended = notifier_on(server, time_limit=clock.limit(250)).end(at_end(started, CONFIRMED))
    slack = ended["report"]["slack"]
    assert (slack["delivered"], clock.sleeps) == (False, [])
    assert "Slack refused the message to C0LOCAL: ratelimited." in slack["not_told"]


def test_all_calls_of_a_step_share_one_time_limit(server: SlackServer, clock: FakeClock) -> None:
    rate_limit(server, 9, 100)
    ended = notifier_on(server, time_limit=clock.limit(250)).end(at_end(run(), CONFIRMED))
    assert ended["report"]["slack"]["delivered"] is False
    assert len(clock.sleeps) == 2


@pytest.mark.parametrize("retry_after", ["soon", "-5", "Wed, 21 Oct 2026 07:28:00 GMT", "1.5"])
def test_a_malformed_retry_after_is_not_waited_for_and_fails_nothing(
    server: SlackServer, clock: FakeClock, retry_after: str
) -> None:
    rate_limit(server, 1, retry_after)
    assert notifier_on(server, time_limit=clock.limit(250)).announce(run(), START).slack.posts == ()
    assert clock.sleeps == []


def test_without_time_left_slack_is_not_called_and_the_report_says_so(
    server: SlackServer, clock: FakeClock
) -> None:
    late = notifier_on(server, time_limit=clock.limit(0))
    slack = late.end(at_end(run(requested_by="Admin/jo@example.com"), CONFIRMED))["report"]["slack"]
    assert slack["told"] == []
    assert "There was no time left to notify C0LOCAL." in slack["not_told"]
    assert "There was no time left to look up jo@example.com in Slack." in slack["not_told"]
    assert not messages(server)
