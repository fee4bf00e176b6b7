"""A Slack that wants to be left alone for a while: waited for as long as there is time, and told later otherwise."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import pytest

from local_aws.slack.server import SlackServer
from snow_white.model.run import Progress
from snow_white.slack.time_limit import TimeLimit
from tests.lambdas.fake_cloud import START
from tests.lambdas.slack.test_notifier import CONFIRMED, LATER, at_end, messages, run, server, shown, teller

__all__ = ["server"]  # a fixture, used by its name


@dataclass
class Time:
    """Passes only when slack_sdk sleeps."""

    sleeps: list[float] = field(default_factory=list)

    def now(self) -> float:
        return sum(self.sleeps)

    def limit(self, seconds: float) -> TimeLimit:
        return TimeLimit.of(seconds, self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    clock = Time()
    monkeypatch.setattr(time, "sleep", clock.sleeps.append)
    return clock


def limit(server: SlackServer, calls: int, seconds: object) -> None:
    server.workspace.fail_next(calls=calls, answer="rate_limited", retry_after=seconds)  # type: ignore[arg-type]


def test_a_wait_that_fits_is_waited(server: SlackServer, clock: Time) -> None:
    limit(server, 1, 100)
    assert teller(server, time_limit=clock.limit(250)).announce(run(), START).slack.posts
    (sleep,) = clock.sleeps
    assert 100 <= sleep <= 101


def test_a_start_for_which_slack_asks_too_much_time_is_told_with_the_next_news(
    server: SlackServer, clock: Time
) -> None:
    limit(server, 1, 600)
    started = teller(server, time_limit=clock.limit(250)).announce(run(), START)
    assert (started.slack.posts, clock.sleeps) == ((), [])
    assert not messages(server)
    halfway = replace(started, progress=Progress(2, 3))
    going = teller(server, time_limit=clock.limit(250)).announce(halfway, LATER)
    (first,) = messages(server)
    assert "2 of 3" in shown(first)
    ended = teller(server).end(at_end(going, CONFIRMED))
    assert [one.get("thread_ts") for one in messages(server)] == [None, first["ts"]]
    assert ended["report"]["slack"]["delivered"] is True


def test_an_end_for_which_slack_asks_too_much_time_is_said_to_have_been_told_to_nobody(
    server: SlackServer, clock: Time
) -> None:
    started = teller(server).announce(run(), START)
    limit(server, 9, 600)
    slack = teller(server, time_limit=clock.limit(250)).end(at_end(started, CONFIRMED))["report"]["slack"]
    assert (slack["delivered"], clock.sleeps) == (False, [])
    assert "Slack refused to tell C0LOCAL: ratelimited." in slack["not_told"]


def test_what_was_waited_for_one_call_is_gone_for_the_next(server: SlackServer, clock: Time) -> None:
    limit(server, 9, 100)
    ended = teller(server, time_limit=clock.limit(250)).end(at_end(run(), CONFIRMED))
    assert ended["report"]["slack"]["delivered"] is False
    assert len(clock.sleeps) == 2


@pytest.mark.parametrize("said", ["soon", "-5", "Wed, 21 Oct 2026 07:28:00 GMT", "1.5"])
def test_a_wait_that_nobody_can_read_is_not_waited_and_fails_nothing(
    server: SlackServer, clock: Time, said: str
) -> None:
    limit(server, 1, said)
    assert teller(server, time_limit=clock.limit(250)).announce(run(), START).slack.posts == ()
    assert clock.sleeps == []


def test_when_there_is_no_time_left_slack_is_not_even_called_and_that_is_said(
    server: SlackServer, clock: Time
) -> None:
    late = teller(server, time_limit=clock.limit(0))
    slack = late.end(at_end(run(requested_by="Admin/jo@example.com"), CONFIRMED))["report"]["slack"]
    assert slack["told"] == []
    assert "There was no time left to tell C0LOCAL." in slack["not_told"]
    assert "There was no time left to ask Slack for jo@example.com." in slack["not_told"]
    assert not messages(server)
