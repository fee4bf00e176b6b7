"""How long the functions wait for Slack: never longer than their timeout, and only briefly during a run."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from local_aws.slack.server import SlackServer
from snow_white.model.serialisation import to_json
from tests.lambdas.loaded import Context, load
from tests.lambdas.runtime.test_run_end import FAILED
from tests.lambdas.slack.run_notifier import run


@pytest.fixture
def notify_slack(monkeypatch: pytest.MonkeyPatch, server: SlackServer) -> ModuleType:
    return load(monkeypatch, server, "notify_slack")


def call(function: ModuleType, step: str, *, seconds_left: float) -> dict[str, Any]:
    state = {
        **to_json(run(requested_by="pipeline night")),
        "report": {**FAILED, "requested_by": "pipeline night"},
    }
    after: dict[str, Any] = function.handler({"step": step, "run": state}, Context(seconds_left))
    return after


@pytest.mark.parametrize(
    ("step", "seconds_left", "retry_after", "waits"),
    [
        ("NotifySlack", 300, 100, True),
        ("NotifySlack", 120, 100, False),
        ("NotifySlack", 300, 600, False),
        ("AnnounceStart", 300, 20, True),
        ("AnnounceStart", 300, 100, False),
        ("AnnounceProgress", 300, 100, False),
    ],
)
def test_a_function_waits_for_slack_within_its_own_timeout_and_only_briefly_during_a_run(
    notify_slack: ModuleType,
    server: SlackServer,
    sleeps: list[float],
    step: str,
    seconds_left: float,
    retry_after: int,
    waits: bool,
) -> None:
    server.workspace.fail_next(calls=99, answer="rate_limited", retry_after=retry_after)
    after = call(notify_slack, step, seconds_left=seconds_left)
    assert after["slack"]["posts"] == []
    assert bool(sleeps) is waits
    assert sum(sleeps) < seconds_left
