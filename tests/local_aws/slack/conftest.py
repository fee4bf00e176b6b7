"""A Slack server for each test, and the bot that posts to it."""

from collections.abc import Iterator

import pytest
from slack_sdk import WebClient

from local_aws.slack.client import LocalSlack
from local_aws.slack.server import TOKEN, SlackServer


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    server = SlackServer()
    server.start()
    yield LocalSlack(server.url)
    server.stop()


@pytest.fixture
def bot(slack: LocalSlack) -> WebClient:
    return WebClient(TOKEN, base_url=slack.api_url, retry_handlers=[])
