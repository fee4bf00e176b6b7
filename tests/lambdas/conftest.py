"""Fixtures for the tests of the Lambda functions and of the domain."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from types import ModuleType

import botocore.session
import pytest

from local_aws.slack.commands import SIGNING_SECRET
from local_aws.slack.server import SlackServer
from snow_white.model.request import Defaults
from snow_white.slash.start import SlashCommands
from tests.lambdas.slash_function import CHANNEL, MACHINE, FakeStepFunctions, Secrets, load


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


@pytest.fixture
def states() -> FakeStepFunctions:
    return FakeStepFunctions()


@pytest.fixture
def commands(states: FakeStepFunctions) -> SlashCommands:
    defaults = Defaults(("us-east-1", "eu-west-1"), ("workers",))
    return SlashCommands(states, MACHINE, defaults, frozenset({"U0ANN"}), frozenset({CHANNEL}))  # type: ignore[arg-type]


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch, commands: SlashCommands) -> ModuleType:
    """The function with Step Functions and Secrets Manager replaced."""
    module = load(monkeypatch)
    monkeypatch.setattr(module, "commands", commands)
    monkeypatch.setattr(module, "secrets", Secrets(f"{SIGNING_SECRET}\n"))
    return module
