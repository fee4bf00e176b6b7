"""What the matrix leaves out is equal to what it has: each call ends with the same error, and has the same effect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from snow_white.aws.environments import application_environments
from snow_white.aws.errors import is_transient
from snow_white.aws.instances import lost_agents, managed_ids, missing_instances, present_instances
from snow_white.aws.regions import RegionError, Regions, RegionUnavailable, in_each
from snow_white.aws.run_command import commands_since, invocations, send
from snow_white.model.action import Action
from snow_white.model.fleet import ENVIRONMENT_ID_TAG, Members
from tests.soak.cloud.clock import START, SimulatedClock
from tests.soak.cloud.edge import Edge, simulated
from tests.soak.cloud.faults import ANY, CALL_FAULTS, ApiFault
from tests.soak.matrix.equal_faults import LIKE, LIKE_AT_HOME
from tests.soak.matrix.examine import undisturbed
from tests.soak.scenarios import world
from tests.soak.scenarios.scenario import FOREVER

REGION, HOME = "eu-west-1", "us-east-1"
WORKERS = Members({ENVIRONMENT_ID_TAG: ("e-eu",)})
DOCUMENT = Action.QUIET.document_name
ROWS_OF_THEIR_OWN = {"refused", "slow"}
BEGAN = datetime.fromtimestamp(START, UTC)

CALLS: dict[str, Callable[[Regions, str], object]] = {
    "DescribeEnvironments": lambda r, _: application_environments(r.elastic_beanstalk(REGION), "shop"),
    "DescribeInstances": lambda r, _: present_instances(r.ec2(REGION), WORKERS),
    "DescribeInstances by id": lambda r, _: missing_instances(r.ec2(REGION), ["i-1"], WORKERS),
    "DescribeInstanceInformation": lambda r, _: managed_ids(r.ssm(REGION), ["i-1"]),
    "the same of lost agents": lambda r, _: lost_agents(r.ssm(REGION)),
    "DescribeDocument": lambda r, _: r.ssm(REGION).describe_document(Name=DOCUMENT),
    "ListCommands": lambda r, _: commands_since(r.ssm(REGION), Action.QUIET, BEGAN),
    "ListCommandInvocations": lambda r, sent: invocations(r.ssm(REGION), sent),
    "CancelCommand": lambda r, sent: r.ssm(REGION).cancel_command(CommandId=sent),
    "SendCommand": lambda r, _: send(
        r.ssm(REGION), Action.QUIET, ["i-2"], execution_timeout=60, comment="SnowWhite"
    ),
}
AT_HOME: dict[str, tuple[str, dict[str, Any]]] = {
    "get_secret_value": ("secretsmanager", {"SecretId": "token"}),
    "put_events": ("events", {"Entries": []}),
    "lookup_events": ("cloudtrail", {}),
    "list_user_tags": ("iam", {"UserName": "ann"}),
    "list_executions": ("stepfunctions", {"stateMachineArn": "arn"}),
    "get_item": ("dynamodb", {"TableName": "idempotency", "Key": {"id": {"S": "1"}}}),
}


@cache
def shared() -> Regions:
    session = botocore.session.Session()
    session.set_credentials("id", "secret")
    return Regions(session)


@cache
def client(service: str) -> Any:
    return boto3.Session("id", "secret", region_name=HOME).client(service)  # type: ignore[call-overload]


def after(kind: str, call: str) -> tuple[object, bool, bool]:
    """The error of the call under the fault; whether a command was sent then, and whether the first was cancelled."""
    clock = SimulatedClock()
    faults = (ApiFault(kind, REGION, ANY, 1.0, FOREVER),)
    cloud = world.build(replace(undisturbed("quiet", 300), faults=faults), clock)
    service = cloud.regions[REGION].run_command
    asked = {"TimeoutSeconds": 120, "Parameters": {"executionTimeout": ["600"]}}
    sent = service.send({"DocumentName": DOCUMENT, "InstanceIds": ["i-1"], **asked})
    clock.sleep(10)
    cloud.advance()
    with simulated(Edge(clock, cloud, cloud.undisturbed), 1):
        result: Any = in_each([REGION], lambda _: CALLS[call](shared(), sent.id))[REGION]
    assert isinstance(result, RegionError), result
    cancelled = sent.invocations["i-1"].status == "Cancelled"
    return type(result), len(service.commands) > 1, cancelled


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("kind", "other"), [(kind, one) for kind, others in LIKE.items() for one in others])
def test_a_call_in_a_region_of_workers_ends_in_the_same_way(kind: str, other: str, call: str) -> None:
    expected = after(kind, call)
    assert expected[0] is RegionUnavailable
    assert after(other, call) == expected


def error_at_home(kind: str, call: str) -> tuple[object, bool]:
    """What kind of error it is, and whether it is transient."""
    clock = SimulatedClock()
    faults = (ApiFault(kind, HOME, ANY, 0.0, FOREVER),)
    cloud = world.build(replace(undisturbed("quiet", 300), faults=faults), clock)
    service, parameters = AT_HOME[call]
    with (
        simulated(Edge(clock, cloud, cloud.undisturbed), 1),
        pytest.raises((ClientError, BotoCoreError)) as failed,
    ):
        getattr(client(service), call)(**parameters)
    error = failed.value
    if isinstance(error, ClientError):
        return ClientError, is_transient(error)
    return BotoCoreError, True


@pytest.mark.parametrize("call", AT_HOME)
@pytest.mark.parametrize(
    ("kind", "other"), [(kind, one) for kind, others in LIKE_AT_HOME.items() for one in others]
)
def test_a_call_in_the_home_region_ends_in_the_same_way(kind: str, other: str, call: str) -> None:
    assert error_at_home(kind, call) == error_at_home(other, call)


def test_every_fault_of_a_call_is_in_the_matrix() -> None:
    named = {*LIKE, *(one for others in LIKE.values() for one in others), *ROWS_OF_THEIR_OWN}
    assert named == set(CALL_FAULTS)
