"""Elastic Beanstalk's API through boto3: what it lists, refuses, and whom IAM lets call it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.elastic_beanstalk.cloud import APPLICATION, ELSEWHERE, REGION, Cloud, setting


def test_a_terminated_environment_has_no_instances_and_is_listed_for_an_hour_if_requested(
    cloud: Cloud,
) -> None:
    cloud.create("former-workers", ("MinSize", "1"))
    before = datetime.now(UTC)
    cloud.beanstalk().terminate_environment(EnvironmentName="former-workers")
    cloud.wait("former-workers", "Terminated")
    assert cloud.instances("former-workers") == []

    def shown(**selection: Any) -> bool:
        answer = cloud.beanstalk().describe_environments(EnvironmentNames=["former-workers"], **selection)
        return bool(answer["Environments"])

    assert shown()
    assert shown(IncludeDeleted=True, IncludedDeletedBackTo=before)
    assert not shown(IncludeDeleted=True, IncludedDeletedBackTo=datetime.now(UTC) + timedelta(minutes=1))
    assert not shown(IncludeDeleted=False)
    assert cloud.create("former-workers-2")["EnvironmentName"] == "former-workers-2"


def test_environments_are_listed_by_application_in_pages_and_by_region(cloud: Cloud) -> None:
    for number in range(5):
        cloud.create(f"paged-{number}")
    beanstalk = cloud.beanstalk()
    beanstalk.create_application(ApplicationName="other")
    beanstalk.create_environment(ApplicationName="other", EnvironmentName="other-workers")
    names = [f"paged-{number}" for number in range(5)]
    seen: list[str] = []
    sizes: list[int] = []
    request: dict[str, Any] = {"EnvironmentNames": names, "MaxRecords": 2}
    while True:
        page = beanstalk.describe_environments(**request)
        seen += [environment["EnvironmentName"] for environment in page["Environments"]]
        sizes.append(len(page["Environments"]))
        if "NextToken" not in page:
            break
        request["NextToken"] = page["NextToken"]
    assert (seen, sizes) == (names, [2, 2, 1])
    everything = beanstalk.describe_environments(ApplicationName=APPLICATION)["Environments"]
    assert {environment["ApplicationName"] for environment in everything} == {APPLICATION}
    assert cloud.beanstalk(ELSEWHERE).describe_environments()["Environments"] == []


@pytest.mark.parametrize(
    ("operation", "request_", "code", "words"),
    [
        ("create_application", {"ApplicationName": APPLICATION}, "InvalidParameterValue", "already exists"),
        (
            "create_application_version",
            {"ApplicationName": "nobody", "VersionLabel": "v1"},
            "InvalidParameterValue",
            "No Application named 'nobody' found",
        ),
        (
            "create_environment",
            {"ApplicationName": APPLICATION, "EnvironmentName": "a-workers", "VersionLabel": "v9"},
            "InvalidParameterValue",
            "No Application Version named 'v9' found",
        ),
        (
            "create_environment",
            {"ApplicationName": APPLICATION, "EnvironmentName": "under_score"},
            "InvalidParameterValue",
            "EnvironmentName",
        ),
        (
            "update_environment",
            {"EnvironmentName": "nowhere"},
            "InvalidParameterValue",
            "No Environment found for EnvironmentName = 'nowhere'",
        ),
        ("terminate_environment", {}, "MissingParameter", "EnvironmentName"),
        ("describe_environments", {"MaxRecords": 1001}, "ValidationError", "less than or equal to 1000"),
        ("describe_environments", {"NextToken": "made-up"}, "InvalidParameterValue", "NextToken"),
        ("describe_events", {}, "InvalidAction", "DescribeEvents"),
    ],
)
def test_what_aws_refuses_is_refused(
    cloud: Cloud, operation: str, request_: dict[str, Any], code: str, words: str
) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(cloud.beanstalk(), operation)(**request_)
    assert refused.value.response["Error"]["Code"] == code
    assert words in refused.value.response["Error"]["Message"]


def test_an_invalid_option_is_named(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match="OptionName: 'Agent'"):
        cloud.beanstalk().create_environment(
            ApplicationName=APPLICATION,
            EnvironmentName="wrong-workers",
            OptionSettings=[setting("Agent", "asleep")],
        )


def test_an_environment_that_is_not_ready_cannot_be_updated(cloud: Cloud) -> None:
    cloud.create("changing-workers", ("MinSize", "1"))
    cloud.beanstalk().update_environment(EnvironmentName="changing-workers", VersionLabel="v2")
    with pytest.raises(ClientError, match="Must be Ready"):
        cloud.beanstalk().update_environment(EnvironmentName="changing-workers", VersionLabel="v1")
    assert cloud.wait("changing-workers", "Ready")["VersionLabel"] == "v2"


def test_iam_decides_who_may_call_it(cloud: Cloud) -> None:
    nobody = cloud.aws.create_user("nobody")
    client = cloud.aws.client("elasticbeanstalk", REGION, nobody)
    with pytest.raises(ClientError, match="not authorized to perform: elasticbeanstalk:DescribeEnvironments"):
        client.describe_environments()
