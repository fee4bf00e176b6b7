"""Slash commands: who may start a run, what is started, and the answer for each command."""

from __future__ import annotations

import json
from dataclasses import replace
from types import ModuleType

import pytest
from botocore.exceptions import ReadTimeoutError

from local_aws.slack.commands import SIGNING_SECRET, form, signed
from snow_white.slash.form import TypedCommand
from snow_white.slash.start import SlashCommands
from tests.lambdas.slash_function import (
    CHANNEL,
    FakeStepFunctions,
    Secrets,
    ask,
    call,
    refusal,
)


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
