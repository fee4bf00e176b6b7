"""Calls to services go wrong as often as a fault says, in the ways of AWS and of networks, and are right afterwards."""

import contextlib
import json
import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from botocore.parsers import ResponseParserError

from local_aws import LocalAws
from local_aws.faults.client import FaultSwitches
from local_aws.faults.rules import Answer, CallFault
from tests.local_aws.faults.calls import code_of, without_retries
from tests.patience import eventually

CALLS = [
    ("ssm", "list_commands"),
    ("ec2", "describe_instances"),
    ("elasticbeanstalk", "describe_environments"),
]


@pytest.mark.parametrize(
    ("service", "operation", "throttled", "error"),
    [
        ("ssm", "list_commands", "ThrottlingException", "InternalServerError"),
        ("ec2", "describe_instances", "RequestLimitExceeded", "InternalError"),
        ("elasticbeanstalk", "describe_environments", "Throttling", "InternalFailure"),
    ],
)
def test_each_service_fails_with_its_own_error_codes(
    aws: LocalAws, faults: FaultSwitches, service: str, operation: str, throttled: str, error: str
) -> None:
    call = getattr(without_retries(aws, service), operation)

    faults.add(CallFault(service=service, answer="throttled", calls=2))
    assert [code_of(call), code_of(call)] == [throttled, throttled]
    faults.add(CallFault(service=service, answer="error"))
    assert code_of(call) == error
    call()


def test_boto3_retries_a_throttled_call(aws: LocalAws, faults: FaultSwitches) -> None:
    faults.add(CallFault(service="ssm", answer="throttled", action="ListCommands"))

    assert aws.client("ssm").list_commands()["ResponseMetadata"]["RetryAttempts"] == 1


def test_only_the_named_action_and_region_fail(aws: LocalAws, faults: FaultSwitches) -> None:
    here, there = without_retries(aws, "ssm"), without_retries(aws, "ssm", "eu-west-1")
    faults.add(CallFault(service="ssm", answer="error", action="ListCommands", region="eu-west-1"))

    here.list_commands()
    there.list_documents()
    assert code_of(there.list_commands) == "InternalServerError"
    assert faults.happened() == [{"service": "ssm", "action": "ListCommands", "region": "eu-west-1"}]


@pytest.mark.parametrize("answer", ["error", "reset", "timeout", "html", "empty"])
def test_an_answer_may_be_lost_after_the_work_was_done_or_before(
    aws: LocalAws, faults: FaultSwitches, answer: Answer
) -> None:
    ssm = without_retries(aws, "ssm")
    for after_effect in (False, True):
        name = f"/done/{uuid.uuid4().hex}"
        faults.add(
            CallFault(
                service="ssm", answer=answer, action="PutParameter", after_effect=after_effect, seconds=3
            )
        )
        try:
            answered: dict[str, Any] = ssm.put_parameter(Name=name, Value="yes", Type="String")
        except Exception:  # noqa: BLE001  # which one is shown by other tests
            answered = {}
        assert "Version" not in answered
        found = ssm.get_parameters(Names=[name])["Parameters"]
        assert bool(found) == after_effect


@pytest.mark.parametrize(("service", "operation"), CALLS)
def test_a_connection_breaks_or_is_silent(
    aws: LocalAws, faults: FaultSwitches, service: str, operation: str
) -> None:
    call = getattr(without_retries(aws, service), operation)
    impatient = getattr(without_retries(aws, service, read_timeout=1), operation)
    faults.add(CallFault(service=service, answer="reset"))
    faults.add(CallFault(service=service, answer="timeout", seconds=30))

    with pytest.raises(ConnectionClosedError):
        call()
    with pytest.raises(ReadTimeoutError):
        impatient()
    assert call()["ResponseMetadata"]["RequestId"]


def test_a_silent_connection_breaks_in_the_end(aws: LocalAws, faults: FaultSwitches) -> None:
    faults.add(CallFault(service="ssm", answer="timeout", seconds=0.3))
    with pytest.raises(ConnectionClosedError):
        without_retries(aws, "ssm").list_commands()


@pytest.mark.parametrize(("service", "operation"), CALLS)
@pytest.mark.parametrize("answer", ["html", "empty"])
def test_a_page_of_a_proxy_and_an_empty_answer_have_no_request_id(
    aws: LocalAws, faults: FaultSwitches, service: str, operation: str, answer: Answer
) -> None:
    call = getattr(without_retries(aws, service), operation)
    faults.add(CallFault(service=service, answer=answer))

    with contextlib.suppress(ResponseParserError, KeyError):  # which of these happens is botocore's affair
        assert "RequestId" not in call()["ResponseMetadata"]
    assert len(faults.happened()) == 1
    assert call()["ResponseMetadata"]["RequestId"]


@pytest.mark.parametrize(("service", "operation"), CALLS)
def test_a_connection_breaks_in_the_middle_of_an_answer(
    aws: LocalAws, faults: FaultSwitches, service: str, operation: str
) -> None:
    call = getattr(without_retries(aws, service), operation)
    faults.add(CallFault(service=service, answer="truncated"))

    with pytest.raises((IncompleteReadError, ResponseStreamingError, ConnectionClosedError)):
        call()
    call()


def test_botocore_cannot_read_half_an_xml_answer_and_takes_half_a_json_answer_for_an_empty_one(
    aws: LocalAws, faults: FaultSwitches
) -> None:
    ssm, ec2 = (without_retries(aws, service) for service in ("ssm", "ec2"))
    for service in ("ssm", "ec2"):
        faults.add(CallFault(service=service, answer="cut"))

    with pytest.raises(ResponseParserError):
        ec2.describe_instances()
    empty = ssm.list_commands()
    assert "Commands" not in empty
    assert empty["ResponseMetadata"]["RequestId"]
    assert "Commands" in ssm.list_commands()
    ec2.describe_instances()


def new_parameter_names(ssm: Any, *names: str) -> list[str]:
    answer = ssm.describe_parameters(
        ParameterFilters=[{"Key": "Name", "Option": "BeginsWith", "Values": [names[0].rpartition("/")[0]]}]
    )
    return sorted(each["Name"] for each in answer["Parameters"])


def test_rows_of_a_list_may_be_missing_doubled_or_those_of_an_earlier_answer(
    aws: LocalAws, faults: FaultSwitches
) -> None:
    ssm, folder = without_retries(aws, "ssm"), f"/rows/{uuid.uuid4().hex}"
    names = [f"{folder}/{letter}" for letter in "abc"]
    for name in names[:2]:
        ssm.put_parameter(Name=name, Value="yes", Type="String")
    assert new_parameter_names(ssm, *names) == names[:2]
    ssm.put_parameter(Name=names[2], Value="yes", Type="String")

    answers: list[Answer] = ["stale", "row_missing", "rows_doubled", "no_rows"]
    for answer in answers:
        faults.add(CallFault(service="ssm", answer=answer, action="DescribeParameters"))
    seen = [new_parameter_names(ssm, *names) for _ in answers]

    assert seen[0] == names[:2]
    assert len(seen[1]) == 2
    assert seen[2] == sorted(names * 2)
    assert seen[3] == []
    assert new_parameter_names(ssm, *names) == names


def test_an_instance_may_be_missing_from_one_answer(aws: LocalAws, faults: FaultSwitches) -> None:
    ec2 = without_retries(aws, "ec2", "ap-south-1")
    ec2.run_instances(ImageId="ami-0123456789abcdef0", InstanceType="t3.small", MinCount=2, MaxCount=2)

    def count() -> int:
        return sum(len(each["Instances"]) for each in ec2.describe_instances()["Reservations"])

    assert count() == 2
    answers: list[Answer] = ["row_missing", "rows_doubled", "no_rows"]
    for answer in answers:
        faults.add(CallFault(service="ec2", answer=answer, action="DescribeInstances"))
    assert [count() for _ in range(4)] == [1, 4, 0, 2]


def test_an_answer_may_be_late(aws: LocalAws, faults: FaultSwitches) -> None:
    faults.add(CallFault(service="ssm", answer="slow", seconds=0.5))

    begun = time.monotonic()
    without_retries(aws, "ssm").list_commands()
    assert time.monotonic() - begun >= 0.5


def test_a_fault_without_a_number_of_calls_lasts_until_its_time_is_over(
    aws: LocalAws, faults: FaultSwitches
) -> None:
    call = without_retries(aws, "ssm").list_commands
    faults.add(CallFault(service="ssm", answer="error", calls=None, for_seconds=10))
    for _ in range(3):
        assert code_of(call) == "InternalServerError"

    def is_over() -> bool:
        try:
            call()
        except ClientError:
            return False
        return True

    eventually(is_over, "it is over")


def test_everything_can_be_turned_off(aws: LocalAws, faults: FaultSwitches) -> None:
    call = without_retries(aws, "ssm").list_commands
    faults.add(CallFault(service="ssm", answer="error", calls=None))
    assert code_of(call) == "InternalServerError"
    faults.clear()
    call()
    assert faults.happened() == []


def test_aws_own_throttling_concerns_users_and_not_the_root_user(
    aws: LocalAws, faults: FaultSwitches
) -> None:
    name = f"polling-{uuid.uuid4().hex[:8]}"
    keys = aws.create_user(name)
    everything = {"Effect": "Allow", "Action": "elasticbeanstalk:*", "Resource": "*"}
    aws.client("iam").put_user_policy(
        UserName=name,
        PolicyName="all",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [everything]}),
    )
    poll = without_retries(aws, "elasticbeanstalk", credentials=keys).describe_environments
    faults.throttle_like_aws()

    for _ in range(5):
        poll()
    assert code_of(poll) == "Throttling"
    for _ in range(7):
        without_retries(aws, "elasticbeanstalk").describe_environments()
    faults.throttle_like_aws(on=False)
    poll()


def test_what_is_not_a_fault_is_refused(faults: FaultSwitches) -> None:
    with pytest.raises(ValueError, match="no fault 'on fire', only throttled, error, timeout"):
        CallFault(service="ssm", answer="on fire")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="has no effect"):
        CallFault(service="ssm", answer="throttled", after_effect=True)
    with pytest.raises(ValueError, match="no change 'explode', only agent_dies"):
        faults._turn_on("explode")
    with pytest.raises(ValueError, match="i-0 in us-east-1 is no worker host"):
        faults.agent_dies("us-east-1", "i-0")
