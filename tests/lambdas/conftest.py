"""Fixtures for the tests of the Lambda functions and of the domain."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator

import botocore.session
import pytest

from local_aws.slack.server import SlackServer


@pytest.fixture(scope="session", autouse=True)
def shared_service_descriptions() -> Iterator[None]:
    """All clients of a test process read botocore's descriptions of the services once.

    Many tests make clients as a cold start makes them; most of their time would go into parsing JSON.
    """
    create_loader = functools.cache(botocore.session.create_loader)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", create_loader)
        yield


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
