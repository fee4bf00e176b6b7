"""Fixtures for the tests of the Lambda functions and of the domain."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from local_aws.slack.server import SlackServer


@pytest.fixture
def server() -> Iterator[SlackServer]:
    """A local Slack server."""
    server = SlackServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds of each call of time.sleep, which returns at once."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept
