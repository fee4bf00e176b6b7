"""How long the functions wait for Slack: never longer than they live, and not for long while workers wait."""

from __future__ import annotations

import importlib
import time
from types import ModuleType
from typing import Any

import boto3
import pytest

from local_aws.slack_server import TOKEN, SlackServer

from .test_run_end import FAILED, FakeEvents
from .test_telling import run, server

__all__ = ["server"]  # a fixture, used by its name

ENVIRONMENT = {
    "DEFAULT_REGIONS": "us-east-1",
    "DEFAULT_ENVIRONMENTS": "workers",
    "AWS_DEFAULT_REGION": "us-east-1",
    "SLACK_TOKEN_SECRET": "token",
    "SLACK_CHANNEL": "C0LOCAL",
    "POWERTOOLS_SERVICE_NAME": "snow-white",
    "POWERTOOLS_METRICS_NAMESPACE": "SnowWhite",
}


class Context:
    """Of a function that is ended in so many seconds."""

    function_name = "notify_slack"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:111122223333:function:notify_slack"
    aws_request_id = "1"

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self._seconds * 1000)


class Secrets:
    def get(self, name: str, max_age: int) -> str:
        assert (name, max_age) == ("token", 300)
        return TOKEN


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds of the sleeps, which take no time."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept


@pytest.fixture
def notify_slack(monkeypatch: pytest.MonkeyPatch, server: SlackServer) -> ModuleType:
    """The function as Lambda loads it, with the local Slack."""
    for name, value in {**ENVIRONMENT, "SLACK_API_URL": server.url}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    token, _, function = [
        importlib.reload(importlib.import_module(name))
        for name in ("slack_token", "slack_teller", "notify_slack")
    ]
    monkeypatch.setattr(token, "_secrets", Secrets())
    monkeypatch.setattr(function, "events", FakeEvents())
    return function


def call(function: ModuleType, step: str, *, seconds_left: float) -> dict[str, Any]:
    state = {
        **run(requested_by="pipeline night").to_json(),
        "report": {**FAILED, "requested_by": "pipeline night"},
    }
    after: dict[str, Any] = function.handler({"step": step, "run": state}, Context(seconds_left))
    return after


@pytest.mark.parametrize(
    ("step", "seconds_left", "asked", "waited"),
    [
        ("NotifySlack", 300, 100, True),
        ("NotifySlack", 120, 100, False),
        ("NotifySlack", 300, 600, False),
        ("AnnounceStart", 300, 20, True),
        ("AnnounceStart", 300, 100, False),
        ("AnnounceProgress", 300, 100, False),
    ],
)
def test_a_function_waits_for_slack_only_as_long_as_it_lives_and_not_for_long_while_workers_wait(
    notify_slack: ModuleType,
    server: SlackServer,
    sleeps: list[float],
    step: str,
    seconds_left: float,
    asked: int,
    waited: bool,
) -> None:
    server.workspace.fail_next(calls=99, answer="rate_limited", retry_after=asked)
    after = call(notify_slack, step, seconds_left=seconds_left)
    assert after["slack"]["posts"] == []
    assert bool(sleeps) is waited
    assert sum(sleeps) < seconds_left
