"""The buttons of a message: who may press them, what they do, and the answer for each press."""

from __future__ import annotations

from types import ModuleType

import pytest

from local_aws.slack.commands import press, signed
from local_aws.slack.server import SlackServer
from snow_white.slash.press import PressedButton
from snow_white.slash.start import SlashCommands
from tests.lambdas.slash_function import (
    CHANNEL,
    MACHINE,
    FakeStepFunctions,
    call,
    refusal,
)

RUN = MACHINE.replace("stateMachine", "execution") + ":night-1"


def pressing(action_id: str, value: str, user: str = "U0ANN", channel: str = CHANNEL) -> PressedButton:
    return PressedButton(action_id, value, user, channel, "ann.lee")


def test_the_button_wake_starts_the_run_as_the_one_who_pressed_it_and_everybody_sees_who(
    commands: SlashCommands, states: FakeStepFunctions
) -> None:
    answer = commands.press(pressing("run_wake", "wake backups workers"), "slack-1")
    assert answer.outcome == "started"
    assert states.executions["slack-1"] == {
        "action": "wake",
        "application": "backups",
        "environments": ["workers"],
        "channel": CHANNEL,
        "slack_user": "U0ANN",
        "requested_by": "Slack user ann.lee (U0ANN)",
    }
    assert answer.text.startswith("<@U0ANN> pressed *Wake*. Started: `wake` for *backups*.")
    assert answer.for_everybody


def test_the_button_stop_stops_the_run_of_its_message_and_says_who_pressed_it(
    commands: SlashCommands, states: FakeStepFunctions
) -> None:
    answer = commands.press(pressing("stop_run", RUN), "slack-1")
    assert answer.outcome == "stopped"
    cause = "Stopped in Slack by Slack user ann.lee (U0ANN)."
    assert states.stopped == [{"executionArn": RUN, "error": "StoppedByPerson", "cause": cause}]
    assert answer.text.startswith("<@U0ANN> pressed *Stop this run*.")
    assert answer.for_everybody
    assert not states.executions


@pytest.mark.parametrize("arn", ["", "x", MACHINE, RUN.replace(":SnowWhite:", ":SnowWhiteOther:")])
def test_the_button_stop_stops_no_other_execution(
    commands: SlashCommands, states: FakeStepFunctions, arn: str
) -> None:
    answer = commands.press(pressing("stop_run", arn), "slack-1")
    assert (answer.outcome, answer.for_everybody) == ("invalid", False)
    assert not states.stopped


@pytest.mark.parametrize(("action_id", "value"), [("run_wake", "wake backups"), ("stop_run", RUN)])
@pytest.mark.parametrize(("user", "channel"), [("U0EVE", CHANNEL), ("U0ANN", "C0OTHER"), ("U0ANN", "D0ANN")])
def test_a_button_acts_only_for_those_who_may_use_the_slash_command_and_tells_the_others_alone(
    commands: SlashCommands, states: FakeStepFunctions, action_id: str, value: str, user: str, channel: str
) -> None:
    answer = commands.press(pressing(action_id, value, user, channel), "slack-1")
    assert (answer.outcome, answer.for_everybody) == ("not_allowed", False)
    assert not states.executions
    assert not states.stopped


def test_a_refused_stop_is_answered_to_the_person_with_the_error_code(
    commands: SlashCommands, states: FakeStepFunctions
) -> None:
    states.failure = refusal("ExecutionDoesNotExist", 400)
    answer = commands.press(pressing("stop_run", RUN), "slack-1")
    assert answer.text == "Nothing was stopped: AWS refused it (ExecutionDoesNotExist)."
    assert not answer.for_everybody


BUTTON = {"type": "button", "action_id": "run_wake", "value": "wake backups", "text": {"type": "plain_text"}}


def response_url(server: SlackServer, channel: str = CHANNEL) -> str:
    return f"{server.url.removesuffix('/api/')}/responses/{channel}"


def test_the_press_of_a_button_is_answered_in_the_channel_and_slack_gets_an_empty_body(
    function: ModuleType, states: FakeStepFunctions, server: SlackServer
) -> None:
    server.workspace.add_channel(CHANNEL, "commands")
    body = press(BUTTON, "U0ANN", CHANNEL, response_url(server))
    assert call(function, body) == {"statusCode": 200, "body": ""}
    assert len(states.executions) == 1
    (message,) = server.workspace.recorded()["messages"]
    assert message["channel"] == CHANNEL
    assert message["text"].startswith("<@U0ANN> pressed *Wake*. Started: `wake` for *backups*.")


def test_who_may_not_press_is_told_so_alone(
    function: ModuleType, states: FakeStepFunctions, server: SlackServer
) -> None:
    server.workspace.add_channel(CHANNEL, "commands")
    call(function, press(BUTTON, "U0EVE", CHANNEL, response_url(server)))
    recorded = server.workspace.recorded()
    assert recorded["messages"] == []
    (only_for_eve,) = recorded["ephemeral"]
    assert "`U0EVE` to the setting `slash_command_users`" in only_for_eve["text"]
    assert not states.executions


def test_a_forged_press_gets_only_a_status_and_does_nothing(
    function: ModuleType, states: FakeStepFunctions, server: SlackServer
) -> None:
    body = press(BUTTON, "U0ANN", CHANNEL, response_url(server))
    assert call(function, body, signed(body, "a guessed secret")) == {"statusCode": 401, "body": ""}
    assert not states.executions
    assert server.workspace.recorded()["messages"] == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "", "no url"])
def test_an_answer_that_slack_does_not_take_undoes_nothing(
    function: ModuleType, states: FakeStepFunctions, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert call(function, press(BUTTON, "U0ANN", CHANNEL, url))["statusCode"] == 200
    assert len(states.executions) == 1
    assert "answer not posted" in [record.message for record in caplog.records]


def test_the_press_of_a_button_that_opens_a_page_is_only_acknowledged(
    function: ModuleType, states: FakeStepFunctions, server: SlackServer
) -> None:
    other = {**BUTTON, "action_id": "open_execution"}
    body = press(other, "U0ANN", CHANNEL, response_url(server))
    assert call(function, body) == {"statusCode": 200, "body": ""}
    assert not states.executions
    assert server.workspace.recorded()["messages"] == []


def test_a_press_that_brings_a_message_as_long_as_slack_allows_is_accepted(
    function: ModuleType, states: FakeStepFunctions, server: SlackServer
) -> None:
    server.workspace.add_channel(CHANNEL, "commands")
    message = {"text": "😀" * 6_000}
    assert (
        call(function, press(BUTTON, "U0ANN", CHANNEL, response_url(server), message=message))["statusCode"]
        == 200
    )
    assert len(states.executions) == 1
