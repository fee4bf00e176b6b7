"""Fakes of AWS's clients take and answer only what botocore's models describe."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.fake_client import FakeClient
from tests.lambdas.fake_cloud import command_id, instance_id
from tests.service_model import operations, wrong_answer, wrong_request

COMMAND = command_id("us-east-1", 0)
INSTANCE = instance_id("us-east-1", 0)
NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Ssm(FakeClient, services=("ssm",)):
    """Answers every list with the next page."""

    def __init__(self, *pages: dict[str, Any]) -> None:
        self.pages = list(pages)

    def list_commands(self, **_: Any) -> dict[str, Any]:
        return self.pages.pop(0)


class SsmAndEc2(Ssm, services=("ec2",)):
    def describe_instances(self, **_: Any) -> dict[str, Any]:
        return self.pages.pop(0)


@pytest.mark.parametrize(
    ("operation", "parameters", "said"),
    [
        ("list_commands", {"CommandID": COMMAND}, "Unknown parameter"),
        ("list_commands", {"CommandId": 5}, "Invalid type for parameter CommandId"),
        ("list_commands", {"CommandId": "c-1"}, "Invalid length for parameter CommandId"),
        ("list_commands", {"MaxResults": 51}, "is 51, and not from 1 to 50"),
        ("list_commands", {"Filters": [{"key": "Since", "value": "2026"}]}, "not one of InvokedAfter"),
        ("send_command", {"InstanceIds": [INSTANCE]}, "Missing required parameter"),
        ("send_command", {"DocumentName": "Quiet", "InstanceIds": ["i-1"]}, "does not match"),
        ("send_command", {"DocumentName": "Quiet", "InstanceIds": [INSTANCE] * 51}, "a length of 51"),
        ("send_command", {"DocumentName": "Quiet", "Comment": "x" * 101}, "a length of 101"),
    ],
)
def test_a_call_that_aws_refuses_is_found(operation: str, parameters: dict[str, Any], said: str) -> None:
    (wrong,) = wrong_request(operations("ssm")[operation], parameters)
    assert said in wrong


@pytest.mark.parametrize(
    ("operation", "answer", "said"),
    [
        ("list_commands", {"Command": []}, "ListCommands has no Command"),
        ("list_commands", {"Commands": [{"CommandId": 7}]}, "ListCommands.Commands[0].CommandId is 7"),
        ("list_commands", {"Commands": [{"Status": "Delivery Timed Out"}]}, "not one of Pending"),
        ("list_commands", {"Commands": [{"RequestedDateTime": NOW.isoformat()}]}, "not a timestamp"),
        ("list_commands", {"Commands": [{"TargetCount": True}]}, "not a integer"),
        ("list_commands", {"Commands": {}}, "is a dict, and not a list"),
        ("list_commands", {"Commands": [{}] * 300 + [{"Status": "x"}]}, "Commands[300].Status"),
        ("describe_document", {"Document": []}, "is a list, and not a structure"),
    ],
)
def test_an_answer_that_aws_never_gives_is_found(operation: str, answer: dict[str, Any], said: str) -> None:
    (wrong,) = wrong_answer(operations("ssm")[operation], answer)
    assert said in wrong


def test_a_member_that_every_answer_has_is_missed() -> None:
    described = {"executionArn": "arn", "status": "RUNNING", "startDate": NOW}
    wrong = wrong_answer(operations("stepfunctions")["describe_execution"], described)
    assert wrong == ["DescribeExecution lacks stateMachineArn"]


def test_a_good_answer_has_nothing_wrong() -> None:
    rows = [{"CommandId": COMMAND, "Status": "Success", "RequestedDateTime": NOW, "TargetCount": 3}]
    metadata = {"ResponseMetadata": {"HTTPStatusCode": 200}}
    assert wrong_answer(operations("ssm")["list_commands"], {"Commands": rows, **metadata}) == []


def test_on_the_wire_a_time_is_a_number() -> None:
    row = {"Commands": [{"RequestedDateTime": 1_772_000_000.5}]}
    assert wrong_answer(operations("ssm")["list_commands"], row, on_the_wire=True) == []
    assert wrong_answer(operations("ssm")["list_commands"], row) != []


@pytest.mark.parametrize("page", [{"Commands": [{"State": "Success"}]}, {"Commands": None}])
def test_a_fake_that_answers_otherwise_fails_the_test_whatever_is_caught(page: dict[str, Any]) -> None:
    with pytest.raises(pytest.fail.Exception):
        try:
            Ssm(page).list_commands()
        except Exception as error:
            raise AssertionError("it was caught") from error


def test_a_call_that_is_refused_never_reaches_the_fake() -> None:
    ssm = Ssm({"Commands": []})
    with pytest.raises(pytest.fail.Exception, match="Unknown parameter"):
        ssm.list_commands(Wrong=True)
    assert ssm.pages == [{"Commands": []}]


def test_paginators_are_botocores_own_for_each_of_a_fakes_services() -> None:
    pages: Any = ({"Commands": [{}], "NextToken": "2"}, {"Commands": [{}, {}]})
    assert [
        len(page["Commands"]) for page in SsmAndEc2(*pages).get_paginator("list_commands").paginate()
    ] == [1, 2]
    reservations: Any = ({"Reservations": [], "NextToken": "2"}, {"Reservations": []})
    assert len(list(SsmAndEc2(*reservations).get_paginator("describe_instances").paginate())) == 2
