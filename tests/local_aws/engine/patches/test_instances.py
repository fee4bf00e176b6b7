"""What EC2 answers of instances, as AWS does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from local_aws import LocalAws


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws.start(tmp_path_factory.mktemp("aws")) as local_aws:
        yield local_aws


def test_instances_are_found_by_tags_with_wildcards(aws: LocalAws) -> None:
    ec2 = aws.client("ec2", "eu-west-1")

    def launch(name: str) -> str:
        tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}]
        (one,) = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, TagSpecifications=tags)[
            "Instances"
        ]
        return str(one["InstanceId"])

    blue, green, star = launch("backups-blue"), launch("backups-green"), launch("a*")

    def found(*patterns: str) -> set[str]:
        filters = [
            {"Name": "tag:Name", "Values": list(patterns)},
            {"Name": "instance-state-name", "Values": ["running"]},
        ]
        reservations = ec2.describe_instances(Filters=filters)["Reservations"]
        return {one["InstanceId"] for reservation in reservations for one in reservation["Instances"]}

    assert found("backups-*") == {blue, green}
    assert found("backups-bl?e", "backups") == {blue}
    assert found("a\\*") == {star}
    assert found("*") == {blue, green, star}
    assert found("Backups-*", "a\\b") == set()


def test_instances_are_found_by_a_filter_for_their_ids(aws: LocalAws) -> None:
    ec2 = aws.client("ec2", "ap-southeast-2")
    one, other = (
        row["InstanceId"]
        for row in ec2.run_instances(ImageId="ami-12345678", MinCount=2, MaxCount=2)["Instances"]
    )

    def found(*ids: str) -> set[str]:
        filters = [{"Name": "instance-id", "Values": list(ids)}]
        reservations = ec2.describe_instances(Filters=filters)["Reservations"]
        return {row["InstanceId"] for reservation in reservations for row in reservation["Instances"]}

    assert found(one) == {one}
    assert found(one, other, "i-01234567") == {one, other}
    assert found("i-01234567") == set()


def test_instances_are_found_by_the_time_of_their_launch_with_a_wildcard(aws: LocalAws) -> None:
    ec2 = aws.client("ec2", "us-east-1")
    launched = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]
    # The day before, too: midnight may pass in between.
    today = [f"{datetime.now(UTC) - timedelta(days=days):%Y-%m-%dT}*" for days in (0, 1)]

    def found(*patterns: str) -> list[str]:
        filters = [{"Name": "launch-time", "Values": list(patterns)}]
        reservations = ec2.describe_instances(Filters=filters)["Reservations"]
        return [one["InstanceId"] for reservation in reservations for one in reservation["Instances"]]

    assert found(*today) == [launched["InstanceId"]]
    assert found("2006-08-25T*", *today) == [launched["InstanceId"]]
    assert found("2006-08-25T*") == []
