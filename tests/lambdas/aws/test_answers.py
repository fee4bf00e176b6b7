"""Answers are read quickly, and as botocore reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest
from botocore.parsers import ResponseParserError, create_parser
from botocore.utils import parse_timestamp
from hypothesis import given
from hypothesis import strategies as st

from runtime.clients import session
from snow_white.aws.answers import leave_out_unread, read_time
from snow_white.aws.instances import present_instances
from tests.benchmarks.fleet.ec2_answer import describe_instances
from tests.lambdas.aws.test_unreadable_answers import WORKERS, regions_answering
from tests.service_model import service_model

READ = ("InstanceId", "LaunchTime", "State", "Tags")
TAGS = [
    {"Key": "elasticbeanstalk:environment-id", "Value": "e-1"},
    {"Key": "note", "Value": "</placement><groupSet>"},
]
INSTANCES = [
    {
        "InstanceId": f"i-{number:017x}",
        "LaunchTime": 1_772_355_600.0 + number,
        "State": {"Code": 16, "Name": "running"},
        "Tags": TAGS,
    }
    for number in range(3)
]
ANSWER = describe_instances({"Reservations": [{"Instances": [one]} for one in INSTANCES]}, large=True)
SHAPE = service_model("ec2").operation_model("DescribeInstances").output_shape


def cut(body: bytes) -> bytes:
    response: dict[str, Any] = {"body": body}
    leave_out_unread(response)
    return bytes(response["body"])


def what_is_read(body: bytes) -> list[dict[str, Any]] | None:
    """What the functions read of the instances; None for what botocore cannot parse."""
    assert SHAPE
    try:
        parsed = create_parser("ec2").parse({"status_code": 200, "headers": {}, "body": body}, SHAPE)
    except ResponseParserError:
        return None
    rows = [one for reservation in parsed.get("Reservations", []) for one in reservation["Instances"]]
    return [{key: one[key] for key in READ} for one in rows]


def test_more_than_half_of_what_ec2_says_of_an_instance_is_left_out_and_nothing_that_is_read() -> None:
    assert len(cut(ANSWER)) < len(ANSWER) * 0.55
    read = what_is_read(cut(ANSWER))
    assert read == what_is_read(ANSWER)
    assert read is not None
    assert [one["InstanceId"] for one in read] == [one["InstanceId"] for one in INSTANCES]
    assert TAGS[1] in read[0]["Tags"], "a text is no tag"


@given(st.integers(0, len(ANSWER) - 1))
def test_an_answer_that_breaks_off_anywhere_cannot_be_read_with_or_without_it(end: int) -> None:
    assert what_is_read(ANSWER[:end]) is None
    assert what_is_read(cut(ANSWER[:end])) is None


@given(st.binary())
def test_any_other_answer_is_left_to_botocore(body: bytes) -> None:
    assert cut(body) == body


def test_the_client_of_a_region_reads_answers_so(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[int] = []
    regions = regions_answering(ANSWER, {"x-amzn-requestid": "1"})
    regions.ec2("us-east-1").meta.events.register_last(
        "before-parse.ec2.DescribeInstances",
        lambda response_dict, **_: parsed.append(len(response_dict["body"])),
    )
    found = present_instances(regions.ec2("us-east-1"), WORKERS)
    assert [one.id for one in found] == [one["InstanceId"] for one in INSTANCES]
    assert {one.group for one in found} == {"shop-workers"}
    assert parsed == [len(cut(ANSWER))]


@given(st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_each_format_of_a_time_is_read_as_botocore_reads_it(moment: datetime) -> None:
    to_the_second = moment.replace(microsecond=0)
    for value in (
        moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        to_the_second.strftime("%Y-%m-%dT%H:%M:%SZ"),
        format_datetime(to_the_second, usegmt=True),
        moment.timestamp(),
        int(moment.timestamp()),
        str(int(moment.timestamp())),
    ):
        read: datetime = read_time(value)
        assert read == parse_timestamp(value)  # type: ignore[arg-type]
        assert read.tzinfo is not None


@given(st.text())
def test_a_text_that_is_no_time_is_the_same_error_as_before(text: str) -> None:
    assert outcome(read_time, text) == outcome(parse_timestamp, text)


def outcome(read: Any, text: str) -> object:
    """The time, or the class of the error."""
    try:
        return read(text)
    except (ValueError, ArithmeticError, RuntimeError) as error:
        return type(error)


def test_the_functions_clients_read_times_so() -> None:
    parser = session.get_component("response_parser_factory").create_parser("json")
    assert parser._timestamp_parser is read_time
