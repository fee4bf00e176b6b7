"""Run Command through boto3, on real hosts, under IAM enforcement."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from demonstration.customer import Application
from local_aws import LocalAws
from local_aws.run_command.command import UNFINISHED
from tests.local_aws.workbench import allowing
from tests.patience import eventually

REGION = "eu-west-1"


def document(*lines: str) -> str:
    parameters = {
        "executionTimeout": {"type": "String", "default": "60", "allowedPattern": "^[1-9][0-9]{1,5}$"},
        "word": {"type": "String", "default": "nothing", "allowedPattern": "^[a-z]+$"},
    }
    inputs = {"runCommand": list(lines), "timeoutSeconds": "{{ executionTimeout }}"}
    steps = [{"action": "aws:runShellScript", "name": "say", "inputs": inputs}]
    return json.dumps({"schemaVersion": "2.2", "parameters": parameters, "mainSteps": steps})


class Hosts:
    """Two environments of hosts without Sidekiq: one with two instances whose agent answers, one with a lost agent."""

    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws
        self.ssm = aws.client("ssm", REGION)
        application = Application(aws, "shop", "redis://127.0.0.1:1/0")
        workers = application.add_environment("workers", REGION, instances=2, Workers="none")
        lost = application.add_environment("lost", REGION, Agent="lost", Workers="none")
        eventually(application.is_ready, "the environments are ready")
        self.workers = application.instances(workers, REGION)
        self.lost = application.instances(lost, REGION)
        self.ssm.create_document(
            Name="Shop-Say", Content=document("echo {{ word }}", "id -u", "exit 3"), DocumentType="Command"
        )
        self.ssm.create_document(Name="Shop-Sleep", Content=document("sleep 600"), DocumentType="Command")

    def ended(self, command: str) -> list[dict[str, Any]]:
        """The invocations with details, once all have ended."""

        def all_ended() -> list[dict[str, Any]] | None:
            listed = self.ssm.list_command_invocations(CommandId=command, Details=True)["CommandInvocations"]
            return listed if all(each["Status"] not in UNFINISHED for each in listed) else None

        return eventually(all_ended, f"{command} has ended") or []


@pytest.fixture(scope="module")
def hosts() -> Iterator[Hosts]:
    with LocalAws.start(wait_scale=0.02) as aws:
        yield Hosts(aws)


def test_a_user_runs_a_document_on_the_instances_their_policy_allows(hosts: Hosts) -> None:
    name = f"user-{uuid.uuid4().hex[:8]}"
    keys = hosts.aws.create_user(name)
    tagged = {
        "Condition": {"StringEquals": {"ssm:resourceTag/elasticbeanstalk:environment-name": "shop-workers"}}
    }
    for number, policy in enumerate(
        [
            allowing("ssm:SendCommand", f"arn:aws:ssm:{REGION}:{hosts.aws.account}:document/Shop-*"),
            allowing("ssm:SendCommand", "arn:aws:ec2:*:*:instance/*", **tagged),
        ]
    ):
        hosts.aws.client("iam").put_user_policy(UserName=name, PolicyName=f"p{number}", PolicyDocument=policy)
    send = hosts.aws.client("ssm", REGION, keys).send_command

    sent = send(
        DocumentName="Shop-Say", InstanceIds=hosts.workers, Parameters={"word": ["hello"]}, MaxErrors="100%"
    )["Command"]
    invocations = hosts.ended(sent["CommandId"])

    assert (sent["Status"], sent["TargetCount"]) == ("Pending", len(hosts.workers))
    assert sent["Parameters"] == {"word": ["hello"]}
    assert sorted(each["InstanceId"] for each in invocations) == sorted(hosts.workers)
    for each in invocations:
        [plugin] = each["CommandPlugins"]
        assert (each["StatusDetails"], plugin["ResponseCode"], plugin["Name"]) == ("Failed", 3, "say")
        assert plugin["Output"].startswith("hello\n0\n")
        assert plugin["ResponseFinishDateTime"] >= plugin["ResponseStartDateTime"]
    with pytest.raises(ClientError, match="AccessDenied"):
        send(DocumentName="Shop-Say", InstanceIds=hosts.lost)


def test_an_instance_whose_agent_was_lost_is_managed_but_not_reached(hosts: Hosts) -> None:
    [lost] = hosts.lost
    wanted = [{"Key": "InstanceIds", "Values": [*hosts.lost, *hosts.workers]}]
    listed = hosts.ssm.describe_instance_information(Filters=wanted)["InstanceInformationList"]

    sent = hosts.ssm.send_command(DocumentName="Shop-Say", InstanceIds=[lost], TimeoutSeconds=30)["Command"]
    [invocation] = hosts.ended(sent["CommandId"])

    assert {each["InstanceId"]: each["PingStatus"] for each in listed} == {
        lost: "ConnectionLost",
        **dict.fromkeys(hosts.workers, "Online"),
    }
    assert (invocation["Status"], invocation["StatusDetails"]) == ("TimedOut", "DeliveryTimedOut")


def test_cancelling_kills_what_runs_on_the_host(hosts: Hosts) -> None:
    command = hosts.ssm.send_command(DocumentName="Shop-Sleep", InstanceIds=hosts.workers[:1])["Command"][
        "CommandId"
    ]
    eventually(
        lambda: hosts.ssm.list_commands(CommandId=command)["Commands"][0]["StatusDetails"] == "InProgress",
        "the command is in progress",
    )

    hosts.ssm.cancel_command(CommandId=command)

    [invocation] = hosts.ended(command)
    assert invocation["Status"] == "Cancelled"
    assert hosts.ssm.list_commands(CommandId=command)["Commands"][0]["Status"] == "Cancelled"


def test_a_terminated_instance_is_refused(hosts: Hosts) -> None:
    victim = hosts.workers.pop()
    hosts.aws.client("ec2", REGION).terminate_instances(InstanceIds=[victim])

    def refused() -> bool:
        try:
            hosts.ssm.send_command(DocumentName="Shop-Say", InstanceIds=[victim])
        except ClientError as error:
            return str(error.response["Error"]["Code"]) == "InvalidInstanceId"
        return False

    eventually(refused, "the instance is refused")
    wanted = [{"Key": "InstanceIds", "Values": [victim]}]
    assert hosts.ssm.describe_instance_information(Filters=wanted)["InstanceInformationList"] == []


def test_the_answers_are_those_that_boto3s_paginators_expect(hosts: Hosts) -> None:
    for _ in range(3):
        hosts.ssm.send_command(DocumentName="Shop-Say", InstanceIds=hosts.workers[:1])

    def all_pages(operation: str, key: str, size: int) -> list[Any]:
        pages = hosts.ssm.get_paginator(operation).paginate(PaginationConfig={"PageSize": size})
        return [each for page in pages for each in page[key]]

    commands = all_pages("list_commands", "Commands", 2)
    assert len({each["CommandId"] for each in commands}) == len(commands) >= 3
    requested = [each["RequestedDateTime"] for each in commands]
    assert requested == sorted(requested, reverse=True)
    assert len(all_pages("list_command_invocations", "CommandInvocations", 1)) >= 3
    assert all_pages("describe_instance_information", "InstanceInformationList", 5)
