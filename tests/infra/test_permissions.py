"""Each role allows exactly what is in the table below."""

from __future__ import annotations

import json
from itertools import product

import pytest

from infra.access.permissions import Permissions
from infra.settings import MAX_LIMITS_LENGTH, MAX_REGIONS, MAX_TAG_KEYS, Settings
from tests.infra.conftest import REGIONS
from tests.infra.templates import Template, allowed, as_list, statements, text

IN_WORKER_REGIONS = json.dumps({"StringEquals": {"aws:RequestedRegion": REGIONS}})
ON_BEANSTALK = json.dumps({"StringLike": {"ssm:resourceTag/elasticbeanstalk:environment-name": ["*"]}})
TO_SCHEDULER = json.dumps({"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}})
DOCUMENTS = [
    f"arn:aws:ssm:{region}:<AWS::AccountId>:document/SnowWhite-{action}SidekiqWorkers"
    for region, action in product(REGIONS, ("Quiet", "Stop", "Wake", "Status"))
]
INSTANCES = "arn:aws:ec2:*:<AWS::AccountId>:instance/*"
STATUS = [arn for arn in DOCUMENTS if "Status" in arn]
BUS = "arn:aws:events:us-east-1:<AWS::AccountId>:event-bus/default"
USERS = "arn:aws:iam::<AWS::AccountId>:user/*"
MACHINE = "arn:aws:states:us-east-1:<AWS::AccountId>:stateMachine:SnowWhite"
SCHEDULES = "arn:aws:scheduler:us-east-1:<AWS::AccountId>:schedule/SnowWhite/*"
EXECUTIONS = "arn:aws:states:us-east-1:<AWS::AccountId>:execution:SnowWhite:*"

MATCH = "elasticbeanstalk:DescribeEnvironments"
FIND = ["ec2:DescribeInstances", "ssm:DescribeInstanceInformation"]
FOLLOW = ["ssm:ListCommands", "ssm:ListCommandInvocations"]

Rights = set[tuple[str, str, str]]


def in_worker_regions(*actions: str) -> Rights:
    return {(action, "*", IN_WORKER_REGIONS) for action in actions}


def telling(secret: str, table: str) -> Rights:
    return {
        *((f"dynamodb:{action}Item", table, "") for action in ("Get", "Put", "Update", "Delete")),
        ("secretsmanager:GetSecretValue", secret, ""),
        ("iam:ListUserTags", USERS, ""),
        ("cloudtrail:LookupEvents", "*", ""),
        ("events:PutEvents", BUS, ""),
    }


def scheduling(role: str) -> Rights:
    operations = ("CreateSchedule", "UpdateSchedule", "GetSchedule", "DeleteSchedule")
    return {
        *((f"scheduler:{operation}", SCHEDULES, "") for operation in operations),
        ("iam:PassRole", role, TO_SCHEDULER),
    }


OTHER_RUNS: Rights = {("states:ListExecutions", MACHINE, ""), ("states:DescribeExecution", EXECUTIONS, "")}


def rights_of(function: str, secret: str, table: str, schedule_role: str = "") -> Rights:
    """The table."""
    match function:
        case "discover_instances":
            return (
                in_worker_regions(MATCH, *FIND)
                | {("ssm:DescribeDocument", arn, "") for arn in DOCUMENTS}
                | OTHER_RUNS
            )
        case "dispatch_command":
            return (
                in_worker_regions(MATCH, *FIND, *FOLLOW)
                | {("ssm:DescribeDocument", arn, "") for arn in DOCUMENTS}
                | {("ssm:SendCommand", arn, "") for arn in DOCUMENTS}
                | OTHER_RUNS
                | {("ssm:SendCommand", INSTANCES, ON_BEANSTALK)}
                | scheduling(schedule_role)
            )
        case "poll_command":
            return (
                in_worker_regions(MATCH, *FIND, *FOLLOW, "ssm:CancelCommand")
                | {("ssm:SendCommand", arn, "") for arn in STATUS}
                | {("ssm:SendCommand", INSTANCES, ON_BEANSTALK)}
            )
        case "notify_slack":
            return telling(secret, table) | scheduling(schedule_role)
        case "close_run":
            return (
                telling(secret, table)
                | scheduling(schedule_role)
                | in_worker_regions("ssm:ListCommands", "ssm:CancelCommand")
                | {("states:GetExecutionHistory", EXECUTIONS, "")}
            )
    raise LookupError(function)


def schedule_role(home: Template) -> str:
    """The logical id of the role with which schedules start runs."""
    (role,) = [one for one in home.resources("AWS::IAM::Role") if one.startswith("Schedules")]
    return role


FUNCTIONS = ["discover_instances", "dispatch_command", "poll_command", "notify_slack", "close_run"]


def test_there_are_exactly_these_functions(home: Template) -> None:
    handlers = [each["Handler"] for each in home.resources("AWS::Lambda::Function").values()]
    assert sorted(handlers) == sorted(f"{name}.handler" for name in FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_s_role_allows_exactly_what_is_in_the_table(name: str, home: Template) -> None:
    function = home.function(name)
    (secret,) = home.resources("AWS::SecretsManager::Secret")
    (table,) = home.resources("AWS::DynamoDB::Table")
    own_logs = f"<{function['LoggingConfig']['LogGroup']['Ref']}.Arn>"
    own = {(f"logs:{action}", own_logs, "") for action in ("CreateLogStream", "PutLogEvents")}
    traces = {(f"xray:{action}", "*", "") for action in ("PutTraceSegments", "PutTelemetryRecords")}
    assert (
        allowed(home.role(function["Role"]))
        == rights_of(name, f"<{secret}>", f"<{table}.Arn>", f"<{schedule_role(home)}.Arn>") | own | traces
    )


def test_only_functions_that_may_read_the_token_get_the_slack_variables(home: Template) -> None:
    (secret,) = home.resources("AWS::SecretsManager::Secret")
    for name in FUNCTIONS:
        told = home.function(name)["Environment"]["Variables"]
        if name in ("notify_slack", "close_run"):
            assert text(told["SLACK_TOKEN_SECRET"]) == f"<{secret}>"
            assert {"SLACK_CHANNEL", "SLACK_USER_TAG", "SLACK_API_URL"} <= told.keys()
        else:
            assert not [key for key in told if key.startswith("SLACK")], name


def test_no_function_shares_its_role_and_no_role_has_another_policy(home: Template) -> None:
    roles = [text(each["Role"]) for each in home.resources("AWS::Lambda::Function").values()]
    assert len(set(roles)) == len(FUNCTIONS)
    assert not home.resources("AWS::IAM::Policy")
    for role in home.resources("AWS::IAM::Role").values():
        assert "ManagedPolicyArns" not in role


def test_no_action_has_a_wildcard(home: Template) -> None:
    holders = [*home.resources("AWS::IAM::Role").values(), home.only("AWS::IAM::ManagedPolicy")]
    actions = {action for each in holders for said in statements(each) for action in as_list(said["Action"])}
    assert actions
    assert not [action for action in actions if "*" in action]


def test_each_role_can_only_be_assumed_by_its_service(home: Template) -> None:
    for logical_id, role in home.resources("AWS::IAM::Role").items():
        (said,) = role["AssumeRolePolicyDocument"]["Statement"]
        services = {"Run": "states.amazonaws.com", "Schedules": "scheduler.amazonaws.com"}
        service = next(
            (one for key, one in services.items() if logical_id.startswith(key)), "lambda.amazonaws.com"
        )
        assert said["Principal"] == {"Service": service}


def test_the_state_machine_may_only_invoke_the_functions_of_its_steps(home: Template) -> None:
    machine = home.only("AWS::StepFunctions::StateMachine")
    rights = allowed(home.role(machine["RoleArn"]))
    called = {
        home.function_name({"Fn::GetAtt": arn.strip("<>").split(".")})
        for action, arn, _ in rights
        if action == "lambda:InvokeFunction"
    }
    assert called == set(FUNCTIONS) - {"close_run"}
    others = {action for action, _, _ in rights} - {"lambda:InvokeFunction"}
    assert {action.split(":")[0] for action in others} == {"logs", "xray"}


def test_the_policies_of_a_role_fit_the_limit_of_iam_with_the_most_regions() -> None:
    regions = tuple(f"ap-southeast-{number}" for number in range(MAX_REGIONS))
    keys = [f"key-{number}" for number in range(MAX_TAG_KEYS)]
    longest = {"worker_groups": ["g" * 255], "worker_tags": {key: ["v" * 100] for key in keys}}
    assert len(json.dumps(list(longest.values()))) > MAX_LIMITS_LENGTH - 100
    settings = Settings.from_mapping({"home_region": "us-east-1", "regions": ["us-east-1"], **longest})
    grants = Permissions(
        "123456789012", "aws", regions, "s" * 120, "m" * 120, "e" * 120, "b" * 120,
        worker_groups=settings.worker_groups,
        worker_tags=settings.worker_tags,
    ).by_function()  # fmt: skip
    for name, granted in grants.items():
        document = json.dumps([grant.statement().to_statement_json() for grant in granted])
        assert len("".join(document.split())) < 10_240 - 1_000, name


def test_the_settings_allow_to_send_to_groups_and_tags_each_with_a_condition_of_its_own() -> None:
    grants = Permissions(
        "123456789012", "aws", ("us-east-1",), "s", "m", "e",
        worker_groups=("backups-*", "mail"),
        worker_tags={"Role": ("worker",), "Sidekiq": ("yes", "job-?")},
    ).by_function()  # fmt: skip
    for function in ("dispatch_command", "poll_command"):
        sent_to = [one for one in grants[function] if any(":instance/" in arn for arn in one.resources)]
        assert all(one.actions == ("ssm:SendCommand",) for one in sent_to)
        assert [one.conditions for one in sent_to] == [
            {"StringLike": {f"ssm:resourceTag/{key}": values}}
            for key, values in (
                ("elasticbeanstalk:environment-name", ["*"]),
                ("aws:autoscaling:groupName", ["backups-*", "mail"]),
                ("Role", ["worker"]),
                ("Sidekiq", ["yes", "job-?"]),
            )
        ]


def test_no_template_contains_a_secret(home: Template) -> None:
    secret = home.only("AWS::SecretsManager::Secret")
    assert "SecretString" not in secret
    assert "GenerateSecretString" not in secret


def test_a_schedule_may_only_start_this_machine_and_only_schedules_of_the_group_may(home: Template) -> None:
    role = home.resources("AWS::IAM::Role")[schedule_role(home)]
    assert allowed(role) == {("states:StartExecution", MACHINE, "")}
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    condition = {key: text(value) for key, value in trust["Condition"]["StringEquals"].items()}
    assert condition == {
        "aws:SourceAccount": "<AWS::AccountId>",
        "aws:SourceArn": "arn:aws:scheduler:us-east-1:<AWS::AccountId>:schedule-group/SnowWhite",
    }
    assert home.only("AWS::Scheduler::ScheduleGroup")["Name"] == "SnowWhite"
