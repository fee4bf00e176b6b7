"""The local Slack fails as Slack does, as often as requested, and is right afterwards."""

import time
from urllib.error import URLError

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from local_aws.slack.client import LocalSlack
from local_aws.slack.failures import REFUSALS
from local_aws.slack.server import TOKEN

CHANNEL = "C0LOCAL"


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refusal_has_slacks_code_and_ends(slack: LocalSlack, bot: WebClient, code: str) -> None:
    slack.fail_next(1, code)

    with pytest.raises(SlackApiError) as refused:
        bot.chat_postMessage(channel=CHANNEL, text="hello")
    assert refused.value.response["error"] == code
    assert bot.chat_postMessage(channel=CHANNEL, text="hello")["ok"]


def test_a_time_out_ends_with_a_broken_connection_and_the_client_need_not_wait_for_it(
    slack: LocalSlack, bot: WebClient
) -> None:
    impatient = WebClient(TOKEN, base_url=slack.api_url, retry_handlers=[], timeout=1)
    slack.fail_next(1, "timeout", seconds=30)
    begun = time.monotonic()
    with pytest.raises((TimeoutError, URLError)):
        impatient.auth_test()
    assert time.monotonic() - begun < 30

    slack.fail_next(1, "timeout", seconds=0.2)
    with pytest.raises((URLError, OSError)):
        impatient.auth_test()
    assert bot.auth_test()["ok"]


@pytest.mark.parametrize("answer", ["error", "down", "rate_limited"])
def test_an_answer_may_be_lost_after_the_message_was_posted(
    slack: LocalSlack, bot: WebClient, answer: str
) -> None:
    slack.fail_next(1, answer, after_effect=True)
    with pytest.raises((SlackApiError, URLError, OSError)):
        bot.chat_postMessage(channel=CHANNEL, text="posted")
    assert [each["text"] for each in slack.messages()] == ["posted"]
    slack.fail_next(1, answer)
    with pytest.raises((SlackApiError, URLError, OSError)):
        bot.chat_postMessage(channel=CHANNEL, text="not posted")
    assert len(slack.messages()) == 1


def test_a_deleted_message_can_be_neither_edited_nor_replied_to(slack: LocalSlack, bot: WebClient) -> None:
    posted, other = (bot.chat_postMessage(channel=CHANNEL, text=text) for text in ("gone", "stays"))
    slack.delete_message(CHANNEL, posted["ts"])

    with pytest.raises(SlackApiError, match="message_not_found"):
        bot.chat_update(channel=CHANNEL, ts=posted["ts"], text="x")
    with pytest.raises(SlackApiError, match="thread_not_found"):
        bot.chat_postMessage(channel=CHANNEL, text="x", thread_ts=posted["ts"])
    bot.chat_update(channel=CHANNEL, ts=other["ts"], text="still there")
    assert [each["text"] for each in slack.messages()] == ["still there"]
