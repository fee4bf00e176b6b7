"""The slash command: nothing of it by default; if switched on, a URL, an empty secret and three permissions."""

from __future__ import annotations

import copy
import json

import pytest

from infra.access.permissions import Permissions
from infra.checks import require_clean_report
from infra.settings import MAX_REGIONS, MAX_SLASH_COMMAND_IDS
from tests.infra.templates import Assembly, Json, Template, allowed, text
from tests.infra.test_checks import complaints_of_cfn_lint

MOST_ENVIRONMENT = 4_096


@pytest.fixture(scope="module")
def home_with(assembly_with_slash_command: Assembly) -> Template:
    """The template of the home region's stack with the slash command."""
    return assembly_with_slash_command.home


def secrets_of(template: Template) -> set[str]:
    return set(template.resources("AWS::SecretsManager::Secret"))


def test_without_the_setting_the_template_has_none_of_it(home: Template) -> None:
    assert "slash" not in json.dumps(home.content).lower()
    assert not home.resources("AWS::Lambda::Url")
    assert len(secrets_of(home)) == 1


@pytest.mark.synthesizes
def test_the_setting_adds_this_and_changes_only_that_messages_have_buttons(
    home: Template, home_with: Template
) -> None:
    before, after = (copy.deepcopy(template.content["Resources"]) for template in (home, home_with))
    knowing = set()
    for name in before:
        variables = after[name].get("Properties", {}).get("Environment", {}).get("Variables", {})
        if variables.pop("SLASH_COMMAND", None):
            knowing.add(after[name]["Properties"]["Handler"])
    assert knowing == {"notify_slack.handler", "close_run.handler"}, "they make the messages' buttons"
    assert {name: after[name] for name in before} == before
    added = sorted(after[name]["Type"] for name in after.keys() - before.keys())
    assert added == [
        "AWS::IAM::Role",
        "AWS::Lambda::Function",
        "AWS::Lambda::Permission",
        "AWS::Lambda::Permission",
        "AWS::Lambda::Url",
        "AWS::Logs::LogGroup",
        "AWS::SecretsManager::Secret",
    ]
    new_outputs = home_with.content["Outputs"].keys() - home.content["Outputs"].keys()
    assert new_outputs == {"SlashCommandUrl", "SlackSigningSecretArn"}


@pytest.mark.synthesizes
def test_its_function_may_start_this_machine_stop_its_runs_and_read_its_own_secret_and_nothing_else(
    home: Template, home_with: Template
) -> None:
    function = home_with.function("slash_command")
    (machine,) = home_with.resources("AWS::StepFunctions::StateMachine")
    (signing_secret,) = secrets_of(home_with) - secrets_of(home)
    logs = f"<{function['LoggingConfig']['LogGroup']['Ref']}.Arn>"
    assert allowed(home_with.role(function["Role"])) == {
        ("states:StartExecution", f"<{machine}>", ""),
        ("states:StopExecution", "arn:aws:states:us-east-1:<AWS::AccountId>:execution:SnowWhite:*", ""),
        ("secretsmanager:GetSecretValue", f"<{signing_secret}>", ""),
        ("logs:CreateLogStream", logs, ""),
        ("logs:PutLogEvents", logs, ""),
        ("xray:PutTraceSegments", "*", ""),
        ("xray:PutTelemetryRecords", "*", ""),
    }


@pytest.mark.synthesizes
def test_its_role_is_its_own(home_with: Template) -> None:
    roles = [text(each["Role"]) for each in home_with.resources("AWS::Lambda::Function").values()]
    assert roles.count(text(home_with.function("slash_command")["Role"])) == 1


@pytest.mark.synthesizes
def test_anybody_may_call_it_but_only_by_its_url(home_with: Template) -> None:
    permissions: list[Json] = [
        permission
        for permission in home_with.resources("AWS::Lambda::Permission").values()
        if home_with.function_name(permission["FunctionName"]) == "slash_command"
    ]
    said = {
        permission["Action"]: {
            key: permission[key] for key in permission if key not in ("Action", "FunctionName")
        }
        for permission in permissions
    }
    assert said == {
        "lambda:InvokeFunctionUrl": {"Principal": "*", "FunctionUrlAuthType": "NONE"},
        "lambda:InvokeFunction": {"Principal": "*", "InvokedViaFunctionUrl": True},
    }


@pytest.mark.synthesizes
def test_no_other_web_page_may_call_it(home_with: Template) -> None:
    assert "Cors" not in home_with.only("AWS::Lambda::Url")


@pytest.mark.synthesizes
def test_its_variables_name_machine_secret_users_and_channels(home: Template, home_with: Template) -> None:
    (machine,) = home_with.resources("AWS::StepFunctions::StateMachine")
    (signing_secret,) = secrets_of(home_with) - secrets_of(home)
    variables = home_with.function("slash_command")["Environment"]["Variables"]
    assert variables["SLASH_COMMAND_USERS"] == "U0ANN"
    assert variables["SLASH_COMMAND_CHANNELS"] == "C0COMMANDS"
    assert variables["STATE_MACHINE_ARN"] == {"Ref": machine}
    assert variables["SLACK_SIGNING_SECRET"] == {"Ref": signing_secret}
    assert "SLACK_TOKEN_SECRET" not in variables


@pytest.mark.synthesizes
def test_the_most_users_and_channels_fit_into_its_environment(home_with: Template) -> None:
    variables = dict(home_with.function("slash_command")["Environment"]["Variables"])
    ids = ",".join("U" * 15 for _ in range(MAX_SLASH_COMMAND_IDS))
    regions = ",".join("ap-southeast-1" for _ in range(MAX_REGIONS))
    arns = dict.fromkeys(("STATE_MACHINE_ARN", "SLACK_SIGNING_SECRET"), "a" * 120)
    lists = {"SLASH_COMMAND_USERS": ids, "SLASH_COMMAND_CHANNELS": ids, "DEFAULT_REGIONS": regions}
    assert len(json.dumps({**variables, **arns, **lists})) < MOST_ENVIRONMENT


@pytest.mark.synthesizes
def test_no_template_contains_the_signing_secret(home_with: Template) -> None:
    for secret in home_with.resources("AWS::SecretsManager::Secret").values():
        assert not {"SecretString", "GenerateSecretString"} & secret.keys()


@pytest.mark.synthesizes
def test_it_passes_the_checks(assembly_with_slash_command: Assembly) -> None:
    require_clean_report(assembly_with_slash_command.folder)
    assert complaints_of_cfn_lint(assembly_with_slash_command) == []


@pytest.mark.synthesizes
def test_the_state_machine_may_not_call_it(home_with: Template) -> None:
    machine = home_with.only("AWS::StepFunctions::StateMachine")
    called = {
        home_with.function_name({"Fn::GetAtt": arn.strip("<>").split(".")})
        for action, arn, _ in allowed(home_with.role(machine["RoleArn"]))
        if action == "lambda:InvokeFunction"
    }
    assert "slash_command" not in called


def test_no_grant_of_it_has_a_wildcard() -> None:
    grants = Permissions("123456789012", "aws", ("us-east-1",), "s", "m", "e").for_slash_command(
        "machine", "secret"
    )
    assert [star for grant in grants for star in (*grant.actions, *grant.resources) if "*" in star] == []
