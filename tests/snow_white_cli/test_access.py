"""Finding the caller and the state machine, and the message for each error on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError

from snow_white_cli.access import Access
from snow_white_cli.exit_codes import CommandError, WrongUsage
from tests.fake_client import FakeClient
from tests.snow_white_cli.fake_step_functions import START, refusal

MACHINE = "arn:aws:states:eu-west-1:111122223333:stateMachine:SnowWhite"

STACK = {"StackName": "SnowWhite", "CreationTime": START, "StackStatus": "UPDATE_COMPLETE"}


@dataclass
class FakeAws(Access, FakeClient, services=("sts", "cloudformation")):
    """Answers GetCallerIdentity and DescribeStacks with `answer`, or raises it."""

    answer: Mapping[str, Any] | Exception = field(default_factory=dict)

    def client(self, _: str) -> Any:
        return self

    def get_caller_identity(self) -> Mapping[str, Any]:
        return self._answer()

    def describe_stacks(self, **_: str) -> Mapping[str, Any]:
        return self._answer()

    def _answer(self) -> Mapping[str, Any]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("arn", "requested_by"),
    [
        ("arn:aws:iam::111122223333:user/ann", "ann"),
        ("arn:aws:iam::111122223333:user/people/backups/ann", "ann"),
        ("arn:aws:iam::111122223333:user/ann@example.com", "ann@example.com"),
        (
            "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Deploy_0123456789abcdef/ann@example.com",
            "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Deploy_0123456789abcdef/ann@example.com",
        ),
        ("arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:root"),
    ],
)
def test_the_caller_is_an_iam_user_s_name_or_the_arn_of_a_session(arn: str, requested_by: str) -> None:
    assert FakeAws(answer={"Arn": arn}).caller() == requested_by


def test_the_state_machine_is_the_output_of_the_stack() -> None:
    outputs = [
        {"OutputKey": "InvokePolicyArn", "OutputValue": "x"},
        {"OutputKey": "StateMachineArn", "OutputValue": MACHINE},
    ]
    assert FakeAws(answer={"Stacks": [{**STACK, "Outputs": outputs}]}).state_machine() == MACHINE


def test_the_region_of_a_given_state_machine_is_the_home_region() -> None:
    assert Access(machine=MACHINE).region == "eu-west-1"
    assert Access(machine=MACHINE).state_machine() == MACHINE


def test_without_anything_given_the_home_region_is_that_of_the_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SNOW_WHITE_OVERRIDES", '{"home_region": "eu-north-1"}')
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    assert Access().region == "eu-north-1"


def test_a_wrong_home_region_is_named_as_the_probable_cause_with_its_source(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SNOW_WHITE_OVERRIDES", '{"home_region": "eu-north-1"}')
    for refused in ("ValidationError", "AccessDenied"):
        with pytest.raises(CommandError) as error:
            FakeAws(answer=refusal(refused)).state_machine()
        assert (
            "Probably Snow White's home region is another one (eu-north-1 is from the settings of this checkout). "
            "Give --home-region or --state-machine-arn, or set SNOW_WHITE_HOME_REGION" in error.value.message
        )


@pytest.mark.parametrize(("variable", "region"), [("eu-west-3", "eu-west-3"), ("", None)])
def test_without_a_checkout_the_home_region_is_that_of_the_aws_configuration(
    variable: str, region: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("snow_white_cli.access._CHECKOUT", tmp_path)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_DEFAULT_REGION", variable)
    if region:
        assert Access().region == region
        return
    with pytest.raises(WrongUsage, match=r"home region is not known\. Give --home-region"):
        _ = Access().region


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            refusal("ValidationError"),
            "There is no stack SnowWhite in us-east-1. Probably Snow White's home region is another one. Give",
        ),
        ({"Stacks": [STACK]}, "The stack SnowWhite in us-east-1 has no output StateMachineArn. Give"),
        (refusal("AccessDenied"), "AWS denied access: AccessDenied: the message. The policy in"),
        (refusal("ExpiredToken"), "The AWS credentials do not work: ExpiredToken: the message. Log in"),
        (NoCredentialsError(), "The AWS credentials do not work: Unable to locate credentials. Log in"),
        (refusal("Throttling"), "AWS is throttling or has an internal error: Throttling"),
    ],
)
def test_a_state_machine_that_cannot_be_found_is_explained(
    answer: Mapping[str, Any] | Exception, message: str
) -> None:
    with pytest.raises(CommandError) as error:
        FakeAws(home_region="us-east-1", answer=answer).state_machine()
    assert error.value.message.startswith(message)
    assert error.value.exit_code == 1
