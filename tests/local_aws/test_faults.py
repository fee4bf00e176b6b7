"""Services fail as often as `fail_next` says, with the errors of AWS."""

import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws import LocalAws


@pytest.fixture
def faulty(aws: LocalAws) -> Iterator[LocalAws]:
    yield aws
    aws.stop_failing()


def without_retries(aws: LocalAws, service: str, region: str = "us-east-1") -> Any:
    return boto3.client(
        service,  # type: ignore[call-overload]  # one of several
        region_name=region,
        endpoint_url=aws.endpoint,
        aws_access_key_id=aws.root.access_key_id,
        aws_secret_access_key=aws.root.secret_access_key,
        config=Config(retries={"total_max_attempts": 1}),
    )


def code_of(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Error"]["Code"])


@pytest.mark.parametrize(
    ("service", "operation", "throttled", "error"),
    [
        ("ssm", "list_commands", "ThrottlingException", "InternalServerError"),
        ("ec2", "describe_instances", "RequestLimitExceeded", "InternalError"),
        ("elasticbeanstalk", "describe_environments", "Throttling", "InternalFailure"),
    ],
)
def test_each_service_fails_with_its_own_error_codes(
    faulty: LocalAws, service: str, operation: str, throttled: str, error: str
) -> None:
    call = getattr(without_retries(faulty, service), operation)

    faulty.fail_next(service, 2, "throttled")
    assert [code_of(call), code_of(call)] == [throttled, throttled]
    faulty.fail_next(service, 1, "error")
    assert code_of(call) == error
    call()


def test_boto3_retries_a_throttled_call(faulty: LocalAws) -> None:
    faulty.fail_next("ssm", 1, "throttled", action="ListCommands")

    assert faulty.client("ssm").list_commands()["ResponseMetadata"]["RetryAttempts"] == 1


def test_only_the_named_action_and_region_fail(faulty: LocalAws) -> None:
    here, there = without_retries(faulty, "ssm"), without_retries(faulty, "ssm", "eu-west-1")
    faulty.fail_next("ssm", 1, "error", action="ListCommands", region="eu-west-1")

    here.list_commands()
    there.list_documents()
    assert code_of(there.list_commands) == "InternalServerError"


def test_an_answer_may_be_lost_after_the_work_was_done(faulty: LocalAws) -> None:
    ssm = without_retries(faulty, "ssm")
    faulty.fail_next("ssm", 1, "error_after", action="PutParameter")

    assert code_of(ssm.put_parameter, Name="/done", Value="yes", Type="String") == "InternalServerError"
    assert ssm.get_parameter(Name="/done")["Parameter"]["Value"] == "yes"


def test_an_answer_may_be_late(faulty: LocalAws) -> None:
    faulty.fail_next("ssm", 1, "slow", seconds=0.5)

    begun = time.monotonic()
    without_retries(faulty, "ssm").list_commands()
    assert time.monotonic() - begun >= 0.5


def test_what_is_not_a_fault_is_refused(faulty: LocalAws) -> None:
    with pytest.raises(ValueError, match="no fault 'on fire', only throttled, error, error_after, slow"):
        faulty.fail_next("ssm", 1, "on fire")
    with pytest.raises(ValueError, match="'when'"):
        faulty.fail_next("ssm", 1, "error", when="now")
