"""The local Slack answers the real slack_sdk as Slack does."""

from typing import Any
from urllib.error import URLError

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from slack_sdk.webhook import WebhookClient

from local_aws.slack.client import LocalSlack

CHANNEL = "C0LOCAL"


def error_of(call: Any, **arguments: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        call(**arguments)
    return str(caught.value.response["error"])


def test_only_the_bots_token_is_accepted(slack: LocalSlack, bot: WebClient) -> None:
    stranger = WebClient("xoxb-somebody-else", base_url=slack.api_url)

    assert bot.auth_test()["user_id"] == "U0SNOWWHITE"
    assert error_of(stranger.auth_test) == "invalid_auth"
    assert error_of(stranger.chat_postMessage, channel=CHANNEL, text="hello") == "invalid_auth"
    assert slack.messages() == []


def test_a_message_is_edited_in_place_and_its_history_kept(slack: LocalSlack, bot: WebClient) -> None:
    posted = bot.chat_postMessage(channel=CHANNEL, text="0 of 5", blocks=[{"type": "divider"}])
    bot.chat_update(channel=posted["channel"], ts=posted["ts"], text="3 of 5")
    bot.chat_update(channel=posted["channel"], ts=posted["ts"], text="5 of 5")

    [message] = slack.messages(CHANNEL)
    assert message["text"] == "5 of 5"
    assert [edit["text"] for edit in message["edits"]] == ["0 of 5", "3 of 5"]
    assert message["edits"][0]["blocks"] == [{"type": "divider"}]


def test_replies_stay_in_their_thread(slack: LocalSlack, bot: WebClient) -> None:
    first = bot.chat_postMessage(channel=CHANNEL, text="start")
    bot.chat_postMessage(channel=CHANNEL, text="something else")
    bot.chat_postMessage(channel=CHANNEL, text="<@U1> done", thread_ts=first["ts"])

    thread = bot.conversations_replies(channel=CHANNEL, ts=first["ts"])["messages"]
    assert [each["text"] for each in thread] == ["start", "<@U1> done"]
    assert [message["thread_ts"] for message in slack.messages()] == [None, None, first["ts"]]
    assert (
        error_of(bot.chat_postMessage, channel=CHANNEL, text="x", thread_ts="1.000001") == "thread_not_found"
    )


def test_a_direct_message_is_edited_by_its_conversation_not_by_the_user(
    slack: LocalSlack, bot: WebClient
) -> None:
    posted = bot.chat_postMessage(channel="U0ANN", text="start")

    assert posted["channel"] == "D0ANN"
    assert error_of(bot.chat_update, channel="U0ANN", ts=posted["ts"], text="end") == "channel_not_found"
    bot.chat_update(channel="D0ANN", ts=posted["ts"], text="end")
    assert bot.conversations_open(users="U0ANN")["channel"]["id"] == "D0ANN"
    assert [message["text"] for message in slack.messages("D0ANN")] == ["end"]


@pytest.mark.filterwarnings("ignore:The top-level `text` argument")
def test_what_does_not_exist_is_refused_with_slacks_codes(slack: LocalSlack, bot: WebClient) -> None:
    posted = bot.chat_postMessage(channel="#deployments", text="by name")

    assert posted["channel"] == CHANNEL
    assert error_of(bot.chat_postMessage, channel="C0OTHER", text="x") == "channel_not_found"
    assert error_of(bot.chat_update, channel=CHANNEL, ts="1.000001", text="x") == "message_not_found"
    assert error_of(bot.chat_postMessage, channel=CHANNEL, text="") == "no_text"
    assert error_of(bot.users_info, user="U1") == "unknown_method"
    slack.add_channel("C0OTHER", "other")
    assert bot.chat_postMessage(channel="C0OTHER", text="x")["ok"]


def test_people_are_found_by_e_mail_address(slack: LocalSlack, bot: WebClient) -> None:
    slack.add_person("U0ANN", "ann@example.com")

    assert bot.users_lookupByEmail(email="Ann@example.com")["user"]["id"] == "U0ANN"
    assert error_of(bot.users_lookupByEmail, email="bob@example.com") == "users_not_found"


@pytest.mark.parametrize(
    "blocks",
    [
        [{"type": "divider"}] * 51,
        [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}],
        [{"type": "section", "text": {"type": "mrkdwn", "text": ""}}],
        [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}],
        [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11}],
    ],
)
def test_blocks_that_are_too_long_are_refused(bot: WebClient, blocks: list[dict[str, Any]]) -> None:
    assert error_of(bot.chat_postMessage, channel=CHANNEL, text="x", blocks=blocks) == "invalid_blocks"
    coloured = [{"color": "#ff0000", "blocks": blocks}]
    assert error_of(bot.chat_postMessage, channel=CHANNEL, text="x", attachments=coloured) == "invalid_blocks"


def test_slack_sdk_waits_and_retries_when_the_rate_is_limited(slack: LocalSlack, bot: WebClient) -> None:
    slack.fail_next(1, "rate_limited", retry_after=1)
    bot.retry_handlers.append(RateLimitErrorRetryHandler(max_retry_count=2))

    bot.chat_postMessage(channel=CHANNEL, text="after all")

    first, second = slack.recorded()["calls"]
    assert (first["failed"], second["failed"]) == (True, False)
    assert second["at"] - first["at"] >= 1


def test_it_fails_as_often_as_requested_and_only_for_that_method(slack: LocalSlack, bot: WebClient) -> None:
    posted = bot.chat_postMessage(channel=CHANNEL, text="before")
    slack.fail_next(2, "error", method="chat.update")

    for _ in range(2):
        with pytest.raises(SlackApiError, match="internal_error"):
            bot.chat_update(channel=CHANNEL, ts=posted["ts"], text="lost")
    assert bot.chat_postMessage(channel=CHANNEL, text="not concerned")["ok"]
    assert bot.chat_update(channel=CHANNEL, ts=posted["ts"], text="after")["ok"]


def test_when_it_is_down_the_connection_breaks(slack: LocalSlack, bot: WebClient) -> None:
    slack.fail_next(1, "down")

    with pytest.raises((URLError, OSError)):
        bot.auth_test()
    assert bot.auth_test()["ok"]


def test_everything_can_be_cleared(slack: LocalSlack, bot: WebClient) -> None:
    bot.chat_postMessage(channel=CHANNEL, text="old")
    slack.fail_next(5, "down")
    slack.clear()

    assert slack.recorded()["messages"] == slack.recorded()["calls"] == []
    assert bot.auth_test()["ok"]


def test_an_answer_to_an_interaction_is_for_the_person_unless_it_is_for_the_channel(
    slack: LocalSlack,
) -> None:
    webhook = WebhookClient(slack.response_url(CHANNEL))
    assert webhook.send(text="only you").status_code == 200
    assert webhook.send(text="all of you", response_type="in_channel").status_code == 200
    assert [one["text"] for one in slack.ephemeral(CHANNEL)] == ["only you"]
    assert [one["text"] for one in slack.messages(CHANNEL)] == ["all of you"]
    assert WebhookClient(slack.response_url("C0NOWHERE")).send(text="nobody").status_code == 404
    slack.clear()
    assert slack.ephemeral(CHANNEL) == []
