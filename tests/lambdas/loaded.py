"""The functions that talk to Slack, as Lambda loads them, with the local Slack in Slack's place."""

from __future__ import annotations

import importlib
from types import ModuleType

import pytest

from local_aws.slack.server import TOKEN, SlackServer
from runtime.idempotency import Once
from tests.lambdas.idempotency_table import IdempotencyTable
from tests.lambdas.runtime.test_run_end import FakeEvents

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
    """The token as Powertools keeps it; those after the first one were stored meanwhile."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = list(tokens or (TOKEN,))

    def get(self, name: str, max_age: int) -> str:
        assert (name, max_age) == ("token", 300)
        return self._tokens[0]

    def clear_cache(self) -> None:
        del self._tokens[: len(self._tokens) - 1]


def load(
    monkeypatch: pytest.MonkeyPatch, server: SlackServer, name: str, table: IdempotencyTable | None = None
) -> ModuleType:
    """The function of lambdas/<name>.py; its `events` are a FakeEvents. Without a table, none is set."""
    for variable, value in {**ENVIRONMENT, "SLACK_API_URL": server.url}.items():
        monkeypatch.setenv(variable, value)
    token, _, function = [
        importlib.reload(importlib.import_module(one))
        for one in ("runtime.slack_token", "runtime.notifier", name)
    ]
    monkeypatch.setattr(token, "_secrets", Secrets())
    monkeypatch.setattr(function, "events", FakeEvents())
    if table:
        monkeypatch.setattr(function, "once", Once(table.name, table.client, function.logger))
    return function
