"""IAM, CloudTrail and Secrets Manager answer as they do on AWS."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws import Credentials, LocalAws
from local_aws.engine.account import ACCOUNT
from tests.local_aws.workbench import Workbench, allowing, trusting
from tests.patience import eventually


def user_with(aws: LocalAws, *policies: str) -> Credentials:
    """A new IAM user with these inline policies."""
    name = f"user-{uuid.uuid4().hex[:8]}"
    credentials = aws.create_user(name)
    for number, policy in enumerate(policies):
        aws.client("iam").put_user_policy(UserName=name, PolicyName=f"p{number}", PolicyDocument=policy)
    return credentials


def error_code(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Error"]["Code"])


def test_every_signature_is_checked_also_that_of_root(aws: LocalAws) -> None:
    user = user_with(aws)
    refused = {
        "AKIAUNKNOWN": "InvalidClientTokenId",
        "test": "InvalidClientTokenId",
        "444455556666": "InvalidClientTokenId",
    }
    refused |= dict.fromkeys((aws.root.access_key_id, user.access_key_id), "SignatureDoesNotMatch")

    for key, code in refused.items():
        iam = aws.client("iam", credentials=Credentials(key, "test"))
        assert (key, error_code(iam.list_users)) == (key, code)
    assert aws.client("iam").list_users()["Users"]


def schedule(role: str, machine: str, group: str, at: datetime) -> dict[str, Any]:
    """The arguments for a one-time schedule that starts the machine."""
    return {
        "GroupName": group,
        "ScheduleExpression": f"at({at:%Y-%m-%dT%H:%M:%S})",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE",
        "Target": {"Arn": machine, "RoleArn": role, "Input": json.dumps({"woken": True})},
    }


def trusting_schedules_of(group: str) -> str:
    trust = json.loads(trusting("scheduler"))
    arn = f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule-group/{group}"
    trust["Statement"][0]["Condition"] = {"StringEquals": {"aws:SourceArn": arn}}
    return json.dumps(trust)


def test_a_schedule_starts_a_machine_at_its_time_and_only_if_its_role_allows_it(
    aws: LocalAws, workbench: Workbench
) -> None:
    scheduler, iam, states = aws.client("scheduler"), aws.client("iam"), aws.client("stepfunctions")
    group = f"group-{uuid.uuid4().hex[:8]}"
    scheduler.create_schedule_group(Name=group)
    machine = workbench.machine({"Work": {"Type": "Succeed"}})
    at = datetime.now(UTC) + timedelta(seconds=2)
    policies = {
        "starts": (trusting_schedules_of(group), [allowing("states:StartExecution", machine)]),
        "powerless": (trusting_schedules_of(group), []),
        "of-another-group": (
            trusting_schedules_of("another"),
            [allowing("states:StartExecution", machine)],
        ),
    }
    for name, (trust, allowed) in policies.items():
        role = f"{name}-{group}"
        arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        for policy in allowed:
            iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=policy)
        scheduler.create_schedule(Name=name, **schedule(arn, machine, group, at))

    eventually(lambda: not scheduler.list_schedules(GroupName=group)["Schedules"], "all were due")

    (started,) = states.list_executions(stateMachineArn=machine)["executions"]
    assert started["startDate"] >= at - timedelta(seconds=1)
    described = states.describe_execution(executionArn=started["executionArn"])
    assert json.loads(described["input"]) == {"woken": True}


def test_whoever_makes_a_schedule_must_be_allowed_to_in_its_group_and_to_pass_its_role(
    aws: LocalAws,
) -> None:
    group = f"group-{uuid.uuid4().hex[:8]}"
    aws.client("scheduler").create_schedule_group(Name=group)
    role = aws.client("iam").create_role(
        RoleName=f"role-{group}", AssumeRolePolicyDocument=trusting("scheduler")
    )["Role"]["Arn"]
    of_group = f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule/{group}/*"
    of_default = f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule/default/*"
    given = schedule(
        role, "arn:aws:states:us-east-1:1:stateMachine:a", group, datetime.now(UTC) + timedelta(days=1)
    )

    def codes(*policies: str) -> str:
        client = aws.client("scheduler", credentials=user_with(aws, *policies))
        return error_code(client.create_schedule, Name="one", **given)

    pass_role = allowing("iam:PassRole", role)
    assert codes(allowing("scheduler:CreateSchedule", of_group)) == "AccessDeniedException"
    assert codes(allowing("scheduler:CreateSchedule", of_default), pass_role) == "AccessDeniedException"
    both = aws.client("scheduler", credentials=user_with(aws, allowing("scheduler:*", of_group), pass_role))
    both.create_schedule(Name="one", **given)
    both.delete_schedule(Name="one", GroupName=group)


def test_an_unknown_service_is_denied_without_a_policy(aws: LocalAws) -> None:
    textract = aws.client("textract", credentials=user_with(aws))

    assert error_code(textract.get_document_analysis, JobId="1") == "AccessDeniedException"


def test_a_machine_invokes_only_what_its_role_allows(aws: LocalAws, workbench: Workbench) -> None:
    role = aws.client("iam").create_role(RoleName="powerless", AssumeRolePolicyDocument=trusting("states"))
    ended = workbench.run({"Work": workbench.task(End=True)}, role=role["Role"]["Arn"])

    assert (ended["status"], ended["error"]) == ("FAILED", "Lambda.AWSLambdaException")
    assert "not authorized to perform: lambda:InvokeFunction" in ended["cause"]


@pytest.mark.parametrize(
    ("resource", "given", "action", "error"),
    [
        (
            "aws-sdk:codepipeline:listActionExecutions",
            {"PipelineName": "backups-deploy"},
            "codepipeline:ListActionExecutions",
            "CodePipeline.CodePipelineException",
        ),
        (
            "aws-sdk:sfn:stopExecution",
            {"ExecutionArn": "arn:aws:states:us-east-1:111122223333:execution:a:b"},
            "states:StopExecution",
            "Sfn.SfnException",
        ),
        (
            "states:startExecution",
            {"StateMachineArn": "arn:aws:states:us-east-1:111122223333:stateMachine:a"},
            "states:StartExecution",
            "StepFunctions.AWSStepFunctionsException",
        ),
    ],
)
def test_a_machine_calls_aws_only_as_its_role_allows(
    resource: str, given: dict[str, str], action: str, error: str, workbench: Workbench
) -> None:
    task = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": given, "End": True}
    ended = workbench.run({"Call": task})

    assert (ended["status"], ended["error"]) == ("FAILED", error)
    assert f"not authorized to perform: {action} on resource" in ended["cause"]


def test_send_command_is_checked_on_the_document_and_on_each_instance(aws: LocalAws) -> None:
    ec2 = aws.client("ec2", "eu-west-1")

    def instance(environment: str) -> str:
        tags = [{"Key": "elasticbeanstalk:environment-name", "Value": environment}]
        specification = [{"ResourceType": "instance", "Tags": tags}]
        run = ec2.run_instances(
            ImageId="ami-12345678", MinCount=1, MaxCount=1, TagSpecifications=specification
        )
        return str(run["Instances"][0]["InstanceId"])

    ours, theirs = instance("backups-workers"), instance("payroll")
    document = f"arn:aws:ssm:*:{aws.account}:document/SnowWhite-*"
    tagged = {"Condition": {"StringLike": {"ssm:resourceTag/elasticbeanstalk:environment-name": "*workers"}}}
    user = user_with(
        aws,
        allowing("ssm:SendCommand", document),
        allowing("ssm:SendCommand", "arn:aws:ec2:*:*:instance/*", **tagged),
    )
    send = aws.client("ssm", "eu-west-1", user).send_command
    content = json.dumps(
        {"schemaVersion": "2.2", "mainSteps": [{"action": "aws:runShellScript", "name": "a", "inputs": {}}]}
    )
    aws.client("ssm", "eu-west-1").create_document(
        Name="SnowWhite-Allowed", Content=content, DocumentType="Command"
    )

    assert error_code(send, DocumentName="AWS-RunShellScript", InstanceIds=[ours]) == "AccessDeniedException"
    assert error_code(send, DocumentName="SnowWhite-Allowed", InstanceIds=[theirs]) == "AccessDeniedException"
    assert (
        error_code(send, DocumentName="SnowWhite-Allowed", InstanceIds=[ours, theirs])
        == "AccessDeniedException"
    )
    # Allowed, so the service itself refuses it: the instance has no agent.
    assert error_code(send, DocumentName="SnowWhite-Allowed", InstanceIds=[ours]) == "InvalidInstanceId"


def test_describe_document_is_checked_on_the_document(aws: LocalAws) -> None:
    user = user_with(
        aws, allowing("ssm:DescribeDocument", f"arn:aws:ssm:*:{aws.account}:document/SnowWhite-*")
    )
    describe = aws.client("ssm", credentials=user).describe_document

    assert error_code(describe, Name="SnowWhite-Missing") == "InvalidDocument"
    assert error_code(describe, Name="Other-Missing") == "AccessDeniedException"


def deploy(aws: LocalAws, resources: dict[str, Any], **outputs: Any) -> dict[str, str]:
    cloudformation = aws.client("cloudformation")
    name = f"stack-{uuid.uuid4().hex[:8]}"
    template = {"Resources": resources, "Outputs": {key: {"Value": value} for key, value in outputs.items()}}
    cloudformation.create_stack(
        StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"]
    )

    def complete() -> Any:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        assert stack["StackStatus"] in ("CREATE_IN_PROGRESS", "CREATE_COMPLETE"), stack
        return stack if stack["StackStatus"] == "CREATE_COMPLETE" else None

    return {
        each["OutputKey"]: each["OutputValue"]
        for each in eventually(complete, f"{name} is complete")["Outputs"]
    }


def test_a_secret_is_referred_to_by_its_arn_and_has_no_value_at_first(aws: LocalAws) -> None:
    outputs = deploy(
        aws, {"Token": {"Type": "AWS::SecretsManager::Secret", "Properties": {}}}, Arn={"Ref": "Token"}
    )
    arn = outputs["Arn"]
    user = user_with(aws, allowing("secretsmanager:GetSecretValue", arn))
    secrets = aws.client("secretsmanager", credentials=user)

    assert arn.startswith("arn:aws:secretsmanager:")
    assert error_code(secrets.get_secret_value, SecretId=arn) == "ResourceNotFoundException"
    aws.client("secretsmanager").put_secret_value(SecretId=arn, SecretString="xoxb-1")
    assert secrets.get_secret_value(SecretId=arn)["SecretString"] == "xoxb-1"


def test_cloudtrail_records_who_started_which_execution(aws: LocalAws, workbench: Workbench) -> None:
    name = f"ann-{uuid.uuid4().hex[:8]}"
    keys = aws.create_user(name)
    machine = workbench.machine({"Done": {"Type": "Succeed"}})
    aws.client("iam").put_user_policy(
        UserName=name, PolicyName="start", PolicyDocument=allowing("states:StartExecution", machine)
    )

    started = aws.client("stepfunctions", credentials=keys).start_execution(stateMachineArn=machine)

    lookup = [{"AttributeKey": "EventName", "AttributeValue": "StartExecution"}]
    events = aws.client("cloudtrail").lookup_events(LookupAttributes=lookup)["Events"]
    recorded = [json.loads(event["CloudTrailEvent"]) for event in events if event["Username"] == name]
    assert [each["responseElements"]["executionArn"] for each in recorded] == [started["executionArn"]]
    assert recorded[0]["userIdentity"]["type"] == "IAMUser"
    assert recorded[0]["userIdentity"]["arn"] == f"arn:aws:iam::{aws.account}:user/{name}"


class Rule:
    """A rule on machines that end badly, with the workbench's function as its target."""

    def __init__(self, aws: LocalAws, workbench: Workbench) -> None:
        self._aws = aws
        self.name = f"rule-{uuid.uuid4().hex[:8]}"
        self.machine = workbench.machine({"Over": {"Type": "Fail"}})
        pattern = {
            "source": ["aws.states"],
            "detail-type": ["Step Functions Execution Status Change"],
            "detail": {"status": ["FAILED", "TIMED_OUT", "ABORTED"], "stateMachineArn": [self.machine]},
        }
        events = aws.client("events")
        self.arn = events.put_rule(Name=self.name, EventPattern=json.dumps(pattern))["RuleArn"]
        events.put_targets(Rule=self.name, Targets=[{"Id": "function", "Arn": workbench.function_arn}])

    def allow(self) -> None:
        """Let the rule invoke the function."""
        self._aws.client("lambda").add_permission(
            FunctionName="workbench",
            StatementId=self.name,
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=self.arn,
        )


def test_a_rule_invokes_the_function_once_its_policy_allows_it(
    aws: LocalAws, workbench: Workbench, tmp_path: Path
) -> None:
    rule = Rule(aws, workbench)
    denied, allowed = tmp_path / "denied", tmp_path / "allowed"

    workbench.ended(workbench.start(rule.machine, {"event_file": str(denied)}))
    rule.allow()
    workbench.ended(workbench.start(rule.machine, {"event_file": str(allowed)}))

    eventually(lambda: allowed.exists() and allowed.read_text(), "the event has come")
    assert allowed.read_text() == "FAILED\n"
    assert not denied.exists()


def test_a_function_that_raises_on_an_event_is_invoked_twice_more(
    aws: LocalAws, workbench: Workbench, tmp_path: Path
) -> None:
    rule = Rule(aws, workbench)
    rule.allow()
    seen = tmp_path / "seen"
    aws.set_wait_scale(0.005)
    try:
        workbench.ended(workbench.start(rule.machine, {"event_file": str(seen), "then": "raise"}))
        eventually(lambda: seen.exists() and len(seen.read_text().splitlines()) == 3, "three invocations")
    finally:
        aws.set_wait_scale(1)
