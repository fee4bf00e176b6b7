"""Slash commands: who may start a run, what is started, and the answer for each command."""

from __future__ import annotations

import base64
import importlib
import json
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.exceptions import ClientError, ReadTimeoutError

from local_aws.slack.commands import SIGNING_SECRET, form, press, signed
from local_aws.slack.server import SlackServer
from snow_white.model.request import Defaults
from snow_white.slash.form import TypedCommand
from snow_white.slash.press import PressedButton
from snow_white.slash.start import Answer, SlashCommands
from tests.fake_client import FakeClient
from tests.lambdas.fake_cloud import START

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:SnowWhite"
CHANNEL = "C0COMMANDS"


class Exceptions:
    class ExecutionAlreadyExists(ClientError):
        pass


def refusal(code: str, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "StartExecution",
    )


@dataclass
class FakeStepFunctions(FakeClient, services=("stepfunctions",)):
    """Starts executions as Step Functions does: the same name and input return the running execution."""

    executions: dict[str, dict[str, Any]] = field(default_factory=dict)
    stopped: list[dict[str, str]] = field(default_factory=list)
    ended: bool = False
    failure: Exception | None = None
    exceptions = Exceptions

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, Any]:
        assert stateMachineArn == MACHINE
        if self.failure:
            raise self.failure
        known = self.executions.setdefault(name, json.loads(input))
        if self.ended or known != json.loads(input):
            raise Exceptions.ExecutionAlreadyExists(
                {"Error": {"Code": "ExecutionAlreadyExists"}}, "StartExecution"
            )
        arn = f"{MACHINE.replace('stateMachine', 'execution')}:{name}"
        return {"executionArn": arn, "startDate": START}

    def stop_execution(self, **call: str) -> dict[str, Any]:
        if self.failure:
            raise self.failure
        self.stopped.append(call)
        return {"stopDate": START}


@pytest.fixture
def states() -> FakeStepFunctions:
    return FakeStepFunctions()


@pytest.fixture
def commands(states: FakeStepFunctions) -> SlashCommands:
    defaults = Defaults(("us-east-1", "eu-west-1"), ("workers",))
    return SlashCommands(states, MACHINE, defaults, frozenset({"U0ANN"}), frozenset({CHANNEL}))  # type: ignore[arg-type]


def ask(commands: SlashCommands, text: str, user: str = "U0ANN", channel: str = CHANNEL) -> Answer:
    return commands.answer(TypedCommand("/snow-white", text, user, channel, "ann.lee"), "slack-1")


def test_a_command_starts_a_run_as_the_slack_user_who_typed_it(
    commands: SlashCommands, states: FakeStepFunctions
) -> None:
    answer = ask(commands, "quiet backups workers region=eu-west-1 timeout=2h")
    assert answer.outcome == "started"
    assert states.executions == {
        "slack-1": {
            "action": "quiet",
            "application": "backups",
            "environments": ["workers"],
            "regions": ["eu-west-1"],
            "timeout_seconds": 7200,
            "channel": CHANNEL,
            "slack_user": "U0ANN",
            "requested_by": "Slack user ann.lee (U0ANN)",
        }
    }
    assert "Started: `quiet` for *backups*" in answer.text
    assert f"#/v2/executions/details/{answer.execution}|Open the execution>" in answer.text


def test_without_a_user_name_the_requester_is_the_member_id(
    commands: SlashCommands, states: FakeStepFunctions
) -> None:
    commands.answer(TypedCommand("/snow-white", "quiet backups", "U0ANN", CHANNEL), "slack-1")
    assert states.executions["slack-1"]["requested_by"] == "Slack user U0ANN"


def test_only_members_in_the_settings_may_start_runs(
    commands: SlashCommands, states: FakeStepFunctions
) -> None:
    nobody = replace(commands, users=frozenset(), channels=frozenset())
    answer = ask(nobody, "quiet backups")
    assert answer.outcome == "not_allowed"
    assert "add `U0ANN` to the setting `slash_command_users`" in answer.text
    assert not states.executions


@pytest.mark.parametrize(
    ("user", "channel", "setting"),
    [
        ("U0EVE", CHANNEL, "slash_command_users"),
        ("U0EVE", "C0OTHER", "slash_command_users"),
        ("U0ANN", "C0OTHER", "slash_command_channels"),
        ("U0ANN", "D0ANN", "slash_command_channels"),
        ("U0ANN2", CHANNEL, "slash_command_users"),
    ],
)
def test_both_the_person_and_the_channel_have_to_be_allowed(
    commands: SlashCommands, states: FakeStepFunctions, user: str, channel: str, setting: str
) -> None:
    answer = ask(commands, "quiet backups", user, channel)
    assert (answer.outcome, setting in answer.text) == ("not_allowed", True)
    assert not states.executions


def test_a_star_allows_every_channel_but_not_every_member(
    commands: SlashCommands, states: FakeStepFunctions
) -> None:
    everywhere = replace(commands, channels=frozenset({"*"}))
    assert ask(everywhere, "quiet backups", "U0EVE", "C0OTHER").outcome == "not_allowed"
    assert ask(everywhere, "quiet backups", "U0ANN", "C0OTHER").outcome == "started"
    assert len(states.executions) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sleep backups", "'action' must be one of quiet, stop, wake, status, not 'sleep'."),
        ("quiet", "'application' is missing"),
        ("quiet backups region=mars-1", "'mars-1', but Snow White is deployed in us-east-1, eu-west-1 only."),
        (
            "quiet backups timeout=5s",
            "'timeout_seconds' must be 60 seconds to 2 days (172800 seconds), such as 90, 30m, 1h30m or 48h, not 5.",
        ),
        ("quiet backups timeout=3d", "1h30m or 48h, not 259200."),
        ("quiet backups timeout=soon", "`timeout=soon` is not a duration"),
        ("quiet backups force=yes", "There is no option `force=`"),
        (f"quiet {'x' * 300}", "'application' must be a text of 1 to 256 printable characters"),
        (f"quiet backups {' '.join(f'e{n}' for n in range(51))}", "'environments' must be"),
    ],
)
def test_an_invalid_command_is_explained_and_starts_nothing(
    commands: SlashCommands, states: FakeStepFunctions, text: str, message: str
) -> None:
    answer = ask(commands, text)
    assert answer.outcome == "invalid"
    assert message in answer.text
    assert "Nothing was started. `/snow-white help` shows the syntax." in answer.text
    assert not states.executions


def test_the_answer_escapes_mentions_and_links_that_were_typed(commands: SlashCommands) -> None:
    for text in (
        "<!channel> backups",
        "quiet backups region=<!channel>",
        "quiet <https://evil.example|backups>",
    ):
        answer = ask(commands, text)
        assert "<!channel>" not in answer.text
        assert "<https://evil" not in answer.text


def test_everybody_may_read_the_help_and_it_starts_nothing(
    commands: SlashCommands, states: FakeStepFunctions
) -> None:
    for text in ("", "help"):
        answer = ask(commands, text, "U0EVE", "C0OTHER")
        assert (answer.outcome, "ACTION APPLICATION" in answer.text) == ("help", True)
    assert not states.executions


def test_a_replay_of_a_run_that_has_ended_starts_nothing(
    commands: SlashCommands, states: FakeStepFunctions
) -> None:
    ask(commands, "status backups")
    states.ended = True
    answer = ask(commands, "status backups")
    assert answer.outcome == "repeated"
    assert "Nothing was started" in answer.text


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "StateMachineDoesNotExist"])
def test_a_refused_start_is_answered_with_the_error_code_and_the_message_is_logged(
    commands: SlashCommands, states: FakeStepFunctions, code: str
) -> None:
    states.failure = refusal(code, 400)
    answer = ask(commands, "quiet backups")
    assert (answer.outcome, answer.text) == ("failed", f"Nothing was started: AWS refused it ({code}).")
    assert "StartExecution" in answer.cause


@pytest.mark.parametrize(
    "failure", [ReadTimeoutError(endpoint_url="https://states"), refusal("InternalFailure", 500)]
)
def test_an_unanswered_start_is_answered_as_unknown(
    commands: SlashCommands, states: FakeStepFunctions, failure: Exception
) -> None:
    states.failure = failure
    answer = ask(commands, "quiet backups")
    assert (answer.outcome, "it is not known whether the run was started" in answer.text) == ("failed", True)


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


class Secrets:
    """Secrets Manager with this signing secret, or None for no value."""

    def __init__(self, value: str | None) -> None:
        self.value = value
        self.reads = 0

    def get(self, name: str, max_age: int) -> str:
        assert (name, max_age) == ("signing-secret", 300)
        self.reads += 1
        if self.value is None:
            raise GetParameterError("there is no value")
        return self.value


def load(monkeypatch: pytest.MonkeyPatch, **more: str) -> ModuleType:
    """The function as Lambda loads it."""
    environment = {
        "DEFAULT_REGIONS": "us-east-1",
        "DEFAULT_ENVIRONMENTS": "workers",
        "STATE_MACHINE_ARN": MACHINE,
        "SLACK_SIGNING_SECRET": "signing-secret",
        "SLASH_COMMAND_USERS": "",
        "SLASH_COMMAND_CHANNELS": "",
        "AWS_DEFAULT_REGION": "us-east-1",
        "POWERTOOLS_SERVICE_NAME": "snow-white",
        **more,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    module = importlib.reload(importlib.import_module("slash_command"))
    assert module.commands.users == module.commands.channels == frozenset(), "the default must be nobody"
    return module


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch, commands: SlashCommands) -> ModuleType:
    """The function with Step Functions and Secrets Manager replaced."""
    module = load(monkeypatch)
    monkeypatch.setattr(module, "commands", commands)
    monkeypatch.setattr(module, "secrets", Secrets(f"{SIGNING_SECRET}\n"))
    return module


class Context:
    function_name = "slash_command"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:slash_command"
    aws_request_id = "1"


def call(function: ModuleType, body: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = function.handler(
        {
            "headers": {name.lower(): value for name, value in (headers or signed(body)).items()},
            "requestContext": {"http": {"method": "POST"}},
            "body": base64.b64encode(body.encode()).decode(),
            "isBase64Encoded": True,
        },
        Context(),
    )
    return answer


def test_the_answer_is_visible_to_the_person_only(function: ModuleType, states: FakeStepFunctions) -> None:
    for text in ("quiet backups", "sleep backups", "help"):
        answer = call(function, form(text, "U0ANN", CHANNEL))
        assert answer["statusCode"] == 200
        assert json.loads(answer["body"])["response_type"] == "ephemeral"
    assert len(states.executions) == 1


def test_a_replayed_request_is_one_run(function: ModuleType, states: FakeStepFunctions) -> None:
    body = form("quiet backups", "U0ANN", CHANNEL)
    headers = signed(body)
    for _ in range(3):
        call(function, body, headers)
    states.ended = True
    assert "already carried out" in json.loads(call(function, body, headers)["body"])["text"]
    assert len(states.executions) == 1


def test_the_same_command_typed_again_starts_another_run(
    function: ModuleType, states: FakeStepFunctions
) -> None:
    for _ in range(2):
        call(function, form("status backups", "U0ANN", CHANNEL))
    assert len(states.executions) == 2


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (form("quiet backups", "U0ANN", CHANNEL), {"X": "no signature"}, 401),
        (form("quiet backups", "U0ANN", CHANNEL), signed("another body"), 401),
        (form("quiet backups", "U0ANN", CHANNEL, text2="a" * 300_000), None, 413),
        ("this is not a form", None, 400),
        ("payload=%7B%7D", None, 400),
    ],
)
def test_a_forged_oversized_or_malformed_request_gets_only_a_status_and_starts_nothing(
    function: ModuleType, states: FakeStepFunctions, body: str, headers: dict[str, str] | None, status: int
) -> None:
    assert call(function, body, headers) == {"statusCode": status, "body": ""}
    assert not states.executions


def test_a_stale_request_is_refused_before_the_secret_is_read(
    function: ModuleType, states: FakeStepFunctions
) -> None:
    body = form("quiet backups", "U0ANN", CHANNEL)
    assert call(function, body, signed(body, at=1_000_000_000))["statusCode"] == 401
    assert function.secrets.reads == 0
    assert not states.executions


@pytest.mark.parametrize("value", [None, "", "  \n"])
def test_without_a_signing_secret_every_request_is_refused(
    function: ModuleType, states: FakeStepFunctions, value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(function, "secrets", Secrets(value))
    body = form("quiet backups", "U0ANN", CHANNEL)
    assert call(function, body, signed(body)) == {"statusCode": 503, "body": ""}
    assert call(function, body, {**signed(body), "X-Slack-Signature": "v0=" + "0" * 64})["statusCode"] == 503
    assert not states.executions


def test_the_log_has_the_member_and_the_text_but_no_secret(
    function: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    body = form("quiet backups", "U0ANN", CHANNEL)
    headers = signed(body)
    call(function, body, headers)
    call(function, body, {**headers, "X-Slack-Signature": "v0=" + "0" * 64})
    answered, refused = (vars(record) for record in caplog.records)
    assert [answered[key] for key in ("slack_user", "text", "outcome")] == [
        "U0ANN",
        "quiet backups",
        "started",
    ]
    assert (refused["message"], refused["status"]) == ("refused", 401)
    for secret in (SIGNING_SECRET, headers["X-Slack-Signature"], "trigger_id", "response_url"):
        assert secret not in f"{answered}{refused}"


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
