"""Slash commands over HTTP, by the function URL of the deployed stack, with the function's own role."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import pytest

from local_aws import LocalAws
from local_aws.slack.commands import Reply, buttons, form, press, send, signed
from snow_white.slash.signature import MAX_BYTES, SignedRequest
from snow_white_cli.runs import FollowedRun
from tests.workflow.shop import HOME, Shop, ended, eventually

CHANNEL: Final = "C0COMMANDS"
PERSON: Final = "U0ANN"
_TOO_LATE: Final = "AWS did not answer in time"
_TRIES: Final = 20


@dataclass(frozen=True)
class SlackApp:
    """The Slack app with its command, as Slack uses it, and what became of its requests.

    To answer within Slack's 3 seconds, the function gives up on the signing secret after 0.9 s, when it has done
    nothing yet, and on Step Functions after 1.2 s, when it says so. A machine that runs many tests at once may be
    slower than that: such a request is sent again, as a person would.
    """

    aws: LocalAws

    def send(self, body: str | bytes, headers: dict[str, str], method: str = "POST") -> Reply:
        """Send it until it is answered in time."""
        for _ in range(_TRIES):
            reply = send(self.aws.endpoint, self.aws.outputs["SlashCommandUrl"], body, headers, method)
            if reply.status != HTTPStatus.SERVICE_UNAVAILABLE and _TOO_LATE not in reply.body:
                break
        return reply

    def type(self, text: str, user: str = PERSON, channel: str = CHANNEL) -> tuple[Reply, list[FollowedRun]]:
        """Type it, and see what was started by it."""
        for _ in range(_TRIES):
            body = form(text, user, channel)
            headers = signed(body)
            reply = self.send(body, headers)
            # Its first try was carried out, and answered too late.
            if "already carried out" not in reply.body:
                break
        return reply, self.started_by(headers)

    def started_by(self, headers: dict[str, str]) -> list[FollowedRun]:
        """The runs that a request with this signature has started."""
        name = SignedRequest("", "", headers["X-Slack-Signature"]).name
        client = self.aws.client("stepfunctions", HOME)
        machine = self.aws.outputs["StateMachineArn"]
        pages = client.get_paginator("list_executions").paginate(stateMachineArn=machine)
        found = [one["executionArn"] for page in pages for one in page["executions"] if one["name"] == name]
        return [FollowedRun(client, arn) for arn in found]

    def press(self, message: dict[str, Any], label: str, user: str = PERSON) -> tuple[Reply, dict[str, str]]:
        """Press a button of a message; returns Slack's view of the answer, and the headers of the request."""
        channel = message["channel"]
        body = press(buttons(message)[label], user, channel, self.aws.slack.response_url(channel))
        headers = signed(body)
        for _ in range(_TRIES):
            answered = len(self.aws.slack.ephemeral(channel))
            reply = self.send(body, headers)
            if _TOO_LATE not in str(self.aws.slack.ephemeral(channel)[answered:]):
                break
        return reply, headers


@pytest.fixture
def app(aws: LocalAws) -> SlackApp:
    aws.slack.add_channel(CHANNEL, "commands")
    return SlackApp(aws)


@pytest.fixture
def application() -> str:
    """One that does not exist, so that its runs are short."""
    return f"none{secrets.token_hex(4)}"


def told(app: SlackApp, place: str, application: str) -> list[dict[str, Any]]:
    messages = app.aws.slack.messages(place)
    return [one for one in messages if application in str(one)]


def test_a_command_starts_a_run_as_the_slack_user_and_tells_them_where_they_typed_it(
    app: SlackApp, application: str
) -> None:
    reply, (run,) = app.type(f"quiet {application} workers region=us-east-1 timeout=2h")
    assert reply.status == 200
    assert f"Started: `quiet` for *{application}*" in reply.text
    assert run.arn in reply.text
    end = ended(run)
    assert end.error == "NothingMatched"
    assert told(app, CHANNEL, application)
    assert f"<@{PERSON}>" in str(told(app, CHANNEL, application))


def test_buttons_stop_the_run_and_wake_what_sleeps_for_those_who_may_and_the_message_says_who_pressed(
    app: SlackApp, shop: Shop
) -> None:
    shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    jobs = shop.hold()
    eventually(lambda: shop.ledger().running, "the job runs")
    run = shop.run("quiet", channel=CHANNEL)
    eventually(lambda: run.has_left("DispatchCommand"), "the command was sent")
    (message,) = told(app, CHANNEL, shop.name)

    refused, _ = app.press(message, "Stop this run", user="U0EVE")
    assert (refused.status, refused.body) == (200, "")
    assert any(
        "`U0EVE` to the setting `slash_command_users`" in one["text"]
        for one in app.aws.slack.ephemeral(CHANNEL)
    )
    assert not run.has_ended()

    pressed, _ = app.press(message, "Stop this run")
    assert (pressed.status, pressed.body) == (200, "")
    eventually(lambda: "stopped by" in told(app, CHANNEL, shop.name)[0]["text"], "the stop was told")
    message = told(app, CHANNEL, shop.name)[0]
    assert message["text"] == f"⏹ {shop.name}: stopped by somebody at 0 of 1"
    assert f"<@{PERSON}> pressed *Stop this run*." in str(app.aws.slack.messages(CHANNEL))

    shop.release()
    eventually(lambda: shop.ledger().finished == frozenset(jobs), "the job has finished by itself")
    _, headers = app.press(message, "Wake")
    (waking,) = app.started_by(headers)
    end = ended(waking)
    assert (end.status, end.cause) == ("SUCCEEDED", None)
    assert f"<@{PERSON}> pressed *Wake*. Started: `wake` for *{shop.name}*." in str(
        told(app, CHANNEL, shop.name)
    )
    assert shop.ledger().is_exact


def test_help_is_answered_and_starts_nothing(app: SlackApp) -> None:
    reply, started = app.type("help", user="U0EVE", channel="C0OTHER")
    assert (reply.status, started) == (200, [])
    assert "/snow-white ACTION APPLICATION" in reply.text
    assert '"response_type": "ephemeral"' in reply.body


@pytest.mark.parametrize(
    ("text", "user", "channel", "said"),
    [
        ("status shop", "U0EVE", CHANNEL, "`U0EVE` to the setting `slash_command_users`"),
        ("status shop", PERSON, "C0LOCAL", "`C0LOCAL` to the setting `slash_command_channels`"),
        ("sleep shop", PERSON, CHANNEL, "'action' must be one of quiet, stop, wake, status"),
        ("status shop region=mars-1", PERSON, CHANNEL, "deployed in us-east-1, eu-west-1 only"),
        ("status shop timeout=9d", PERSON, CHANNEL, "must be 60 seconds to 2 days"),
    ],
)
def test_who_may_not_or_asks_for_what_is_not_there_is_told_so_alone_and_nothing_is_started(
    app: SlackApp, text: str, user: str, channel: str, said: str
) -> None:
    reply, started = app.type(text, user, channel)
    assert (reply.status, started) == (200, [])
    assert said in reply.text
    assert '"response_type": "ephemeral"' in reply.body


def test_a_replayed_request_is_one_run_at_the_same_time_and_after_its_end(
    app: SlackApp, application: str
) -> None:
    body = form(f"status {application}", PERSON, CHANNEL)
    headers = signed(body)
    with ThreadPoolExecutor(3) as pool:
        at_once = [reply.result() for reply in [pool.submit(app.send, body, headers) for _ in range(3)]]
    assert {reply.status for reply in at_once} == {200}
    (run,) = app.started_by(headers)
    ended(run)
    afterwards = app.send(body, headers)
    assert "already carried out. Nothing was started." in afterwards.text
    assert len(app.started_by(headers)) == 1
    assert len([one for one in told(app, CHANNEL, application) if one["thread_ts"] is None]) == 1


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("unsigned", 401),
        ("forged", 401),
        ("for_another_body", 401),
        ("stale", 401),
        ("of_the_future", 401),
        ("oversized", 413),
        ("no_form", 400),
        ("no_command", 400),
        ("no_text", 400),
        ("no_post", 405),
    ],
)
def test_what_does_not_come_from_slack_now_gets_a_status_without_a_word_and_nothing_done(
    app: SlackApp, name: str, status: int
) -> None:
    body: str | bytes = form("status shop", PERSON, CHANNEL)
    assert isinstance(body, str)
    method = "POST"
    headers = signed(body)
    match name:
        case "unsigned":
            headers = {"Content-Type": headers["Content-Type"]}
        case "forged":
            headers = signed(body, "a guessed secret")
        case "for_another_body":
            body = form("stop shop", PERSON, CHANNEL)
        case "stale":
            headers = signed(body, at=int(headers["X-Slack-Request-Timestamp"]) - 301)
        case "of_the_future":
            headers = signed(body, at=int(headers["X-Slack-Request-Timestamp"]) + 400)
        case "oversized":
            body = form("status shop", PERSON, CHANNEL, padding="a" * MAX_BYTES)
            headers = signed(body)
        case "no_form":
            body = '{"command": "/snow-white"}'
            headers = signed(body)
        case "no_command":
            body = "payload=%7B%7D"
            headers = signed(body)
        case "no_text":
            body = b"\xff\xfe"
        case "no_post":
            method = "PUT"
    reply = app.send(body, headers, method)
    assert (reply.status, reply.body) == (status, "")
    if "X-Slack-Signature" in headers:
        assert app.started_by(headers) == []


def test_a_body_that_comes_as_text_is_verified_as_it_is(app: SlackApp) -> None:
    body = form("help größe", PERSON, CHANNEL)
    headers = {**signed(body), "Content-Type": "text/plain"}
    assert app.send(body, headers).status == 200
    assert app.send(body + "&a=b", headers).status == 401


def test_the_functions_role_may_start_this_machine_and_read_this_secret_only(app: SlackApp) -> None:
    aws = app.aws
    functions = aws.client("lambda").get_paginator("list_functions").paginate()
    (role,) = [
        one["Role"]
        for page in functions
        for one in page["Functions"]
        if one["Handler"] == "slash_command.handler"
    ]
    signing_secret, token = aws.outputs["SlackSigningSecretArn"], aws.outputs["SlackTokenSecretArn"]
    machine = aws.outputs["StateMachineArn"]

    def decision(action: str, resource: str) -> str:
        (answer,) = aws.client("iam").simulate_principal_policy(
            PolicySourceArn=role, ActionNames=[action], ResourceArns=[resource]
        )["EvaluationResults"]
        return str(answer["EvalDecision"])

    assert decision("states:StartExecution", machine) == "allowed"
    assert decision("states:StopExecution", machine.replace("stateMachine", "execution") + ":x") == "allowed"
    assert decision("secretsmanager:GetSecretValue", signing_secret) == "allowed"
    for action, resource in (
        ("states:StartExecution", f"{machine}Other"),
        ("states:StopExecution", machine.replace("stateMachine", "execution") + "Other:x"),
        ("secretsmanager:GetSecretValue", token),
        ("secretsmanager:PutSecretValue", signing_secret),
        ("ssm:SendCommand", "*"),
    ):
        assert decision(action, resource) == "implicitDeny", action
