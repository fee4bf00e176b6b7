"""Elastic Beanstalk, asked through boto3: environments whose instances are worker hosts with real Sidekiq."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from botocore.exceptions import ClientError

from demonstration.ledger import Ledger, enqueue
from local_aws import LocalAws
from local_aws.hosts.redis_server import RedisServer
from local_aws.hosts.systemd_host import SystemdHost
from tests.patience import eventually

REGION, ELSEWHERE = "eu-west-1", "us-west-2"
APPLICATION = "backups"


@dataclass(frozen=True)
class Cloud:
    """A running local AWS with the application `backups` in one region, versions v1 and v2."""

    aws: LocalAws
    redis_url: str
    ledger: redis.Redis

    def beanstalk(self, region: str = REGION) -> Any:
        return self.aws.client("elasticbeanstalk", region)

    def ec2(self) -> Any:
        return self.aws.client("ec2", REGION)

    def create(self, name: str, *options: tuple[str, str], **variables: str) -> dict[str, Any]:
        """An environment without instances unless an option MinSize says otherwise; waits until it is Ready."""
        self.beanstalk().create_environment(
            ApplicationName=APPLICATION,
            EnvironmentName=name,
            VersionLabel="v1",
            OptionSettings=[
                *settings("MinSize", dict(options).get("MinSize", "0"), namespace="aws:autoscaling:asg"),
                *[
                    setting
                    for option, value in options
                    if option != "MinSize"
                    for setting in settings(option, value, namespace="snow-white:local")
                ],
                *[
                    setting
                    for key, value in {"REDIS_URL": self.redis_url, **variables}.items()
                    for setting in settings(
                        key, value, namespace="aws:elasticbeanstalk:application:environment"
                    )
                ],
            ],
        )
        return self.wait(name, "Ready")

    def update(self, name: str, **changes: Any) -> dict[str, Any]:
        self.beanstalk().update_environment(EnvironmentName=name, **changes)
        return self.wait(name, "Ready")

    def wait(self, name: str, status: str) -> dict[str, Any]:
        eventually(lambda: self.describe(name)["Status"] == status, f"{name} is {status}", seconds=90)
        return self.describe(name)

    def describe(self, name: str) -> dict[str, Any]:
        (environment,) = self.beanstalk().describe_environments(EnvironmentNames=[name])["Environments"]
        return dict(environment)

    def instances(self, name: str, state: str = "running") -> list[dict[str, Any]]:
        wanted = [
            {"Name": "tag:elasticbeanstalk:environment-name", "Values": [name]},
            {"Name": "instance-state-name", "Values": [state]},
        ]
        reservations = self.ec2().describe_instances(Filters=wanted)["Reservations"]
        return [instance for reservation in reservations for instance in reservation["Instances"]]

    def ids(self, name: str) -> list[str]:
        return sorted(instance["InstanceId"] for instance in self.instances(name))

    def host(self, instance_id: str) -> SystemdHost:
        return SystemdHost.attach(self.aws.folder / "hosts" / instance_id)

    def versions_running(self, *instance_ids: str) -> list[str]:
        """The version that the newest Sidekiq of each host told, in the hosts' order."""
        newest = {life.worker.host: life.version for life in Ledger.read(self.ledger).workers}
        return [newest.get(instance_id, "") for instance_id in instance_ids]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    folder = tmp_path_factory.mktemp("cloud")
    with (
        LocalAws.start(folder / "aws") as aws,
        RedisServer.start(folder) as server,
        server.client() as client,
    ):
        cloud = Cloud(aws, server.url, client)
        cloud.beanstalk().create_application(ApplicationName=APPLICATION)
        for version in ("v1", "v2"):
            cloud.beanstalk().create_application_version(ApplicationName=APPLICATION, VersionLabel=version)
        yield cloud


def test_an_environment_gets_running_instances_with_its_tags_and_a_worker_each(cloud: Cloud) -> None:
    environment = cloud.create("running-workers", ("MinSize", "2"))
    assert (environment["Status"], environment["Health"]) == ("Ready", "Green")
    instances = cloud.instances("running-workers")
    assert len(instances) == 2
    for instance in instances:
        tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
        assert tags["elasticbeanstalk:environment-id"] == environment["EnvironmentId"]
        host = cloud.host(instance["InstanceId"])
        assert host.run(["hostname"]).stdout.strip() == instance["PrivateDnsName"].partition(".")[0]
        assert host.run(["systemctl", "is-active", "worker.service"]).stdout.strip() == "active"
    eventually(
        lambda: cloud.versions_running(*cloud.ids("running-workers")) == ["v1", "v1"], "both workers run v1"
    )


def test_its_workers_run_jobs_and_come_back_when_they_are_killed(cloud: Cloud) -> None:
    cloud.create("busy-workers", ("MinSize", "1"), SIDEKIQ_ARGS="-c 2 -q only-busy")
    (instance_id,) = cloud.ids("busy-workers")
    jobs = enqueue(cloud.ledger, [0.01] * 3, queue="only-busy")
    eventually(lambda: Ledger.read(cloud.ledger).finished >= set(jobs), "the jobs are done")
    before = len([life for life in Ledger.read(cloud.ledger).workers if life.worker.host == instance_id])
    cloud.host(instance_id).run(["pkill", "-KILL", "-f", "^sidekiq [0-9]"], check=True)
    eventually(
        lambda: (
            len([life for life in Ledger.read(cloud.ledger).workers if life.worker.host == instance_id])
            > before
        ),
        "another worker has started",
    )


def test_a_deploy_replaces_the_application_and_restarts_the_worker_on_the_same_instances(
    cloud: Cloud,
) -> None:
    cloud.create("deployed-workers", ("MinSize", "1"))
    ids = cloud.ids("deployed-workers")
    eventually(lambda: cloud.versions_running(*ids) == ["v1"], "the worker runs v1")
    assert cloud.update("deployed-workers", VersionLabel="v2")["VersionLabel"] == "v2"
    assert cloud.ids("deployed-workers") == ids
    assert cloud.host(ids[0]).run(["cat", "/var/app/current/VERSION"]).stdout.strip() == "v2"
    eventually(lambda: cloud.versions_running(*ids) == ["v2"], "the worker runs v2")


def test_it_grows_and_shrinks_by_its_minimum_size(cloud: Cloud) -> None:
    cloud.create("sized-workers", ("MinSize", "1"))
    (first,) = cloud.ids("sized-workers")
    cloud.update("sized-workers", OptionSettings=settings("MinSize", "2", namespace="aws:autoscaling:asg"))
    assert len(cloud.ids("sized-workers")) == 2
    cloud.update("sized-workers", OptionSettings=settings("MinSize", "1", namespace="aws:autoscaling:asg"))
    assert cloud.ids("sized-workers") == [first]
    assert len(list((cloud.aws.folder / "hosts").glob(first))) == 1


def test_an_instance_terminated_in_ec2_takes_its_host_with_it_and_is_not_replaced(cloud: Cloud) -> None:
    cloud.create("ended-workers", ("MinSize", "1"))
    (instance_id,) = cloud.ids("ended-workers")
    host = cloud.host(instance_id)
    answer = cloud.ec2().terminate_instances(InstanceIds=[instance_id])
    assert answer["TerminatingInstances"][0]["InstanceId"] == instance_id
    eventually(lambda: len(cloud.instances("ended-workers", "terminated")) == 1, "the instance is terminated")
    assert not host.is_running
    assert not host.folder.exists()
    assert instance_id not in managed(cloud)


def test_an_instance_is_managed_if_its_agent_is_there(cloud: Cloud) -> None:
    cloud.create("agentless-workers", ("MinSize", "1"), ("Agent", "none"), ("LaunchedMinutesAgo", "60"))
    cloud.create("lost-workers", ("MinSize", "1"), ("Agent", "lost"), ("Workers", "none"))
    (agentless,) = cloud.instances("agentless-workers")
    (lost,) = cloud.ids("lost-workers")
    assert agentless["InstanceId"] not in managed(cloud)
    assert agentless["LaunchTime"] < datetime.now(UTC) - timedelta(minutes=59)
    assert managed(cloud)[lost] == "ConnectionLost"


def test_a_host_may_be_without_workers_or_without_restart(cloud: Cloud) -> None:
    cloud.create("empty-workers", ("MinSize", "1"), ("Workers", "none"))
    (empty,) = cloud.ids("empty-workers")
    assert cloud.host(empty).run(["pgrep", "-f", "sidekiq"]).returncode == 1
    cloud.create("fragile-workers", ("MinSize", "1"), ("Restart", "on-failure"))
    (fragile,) = cloud.ids("fragile-workers")
    assert "Restart=on-failure" in cloud.host(fragile).run(["systemctl", "cat", "worker"]).stdout


def test_a_terminated_environment_has_no_instances_and_is_shown_for_a_while_if_wanted(cloud: Cloud) -> None:
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


def test_an_option_that_is_not_possible_is_named(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match="OptionName: 'Agent'"):
        cloud.beanstalk().create_environment(
            ApplicationName=APPLICATION,
            EnvironmentName="wrong-workers",
            OptionSettings=settings("Agent", "asleep", namespace="snow-white:local"),
        )


def test_an_environment_that_is_not_ready_cannot_be_updated(cloud: Cloud) -> None:
    cloud.create("changing-workers", ("MinSize", "1"))
    cloud.beanstalk().update_environment(EnvironmentName="changing-workers", VersionLabel="v2")
    with pytest.raises(ClientError, match="Must be Ready"):
        cloud.beanstalk().update_environment(EnvironmentName="changing-workers", VersionLabel="v1")
    assert cloud.wait("changing-workers", "Ready")["VersionLabel"] == "v2"


def test_iam_decides_who_may_ask(cloud: Cloud) -> None:
    nobody = cloud.aws.create_user("nobody")
    client = cloud.aws.client("elasticbeanstalk", REGION, nobody)
    with pytest.raises(ClientError, match="not authorized to perform: elasticbeanstalk:DescribeEnvironments"):
        client.describe_environments()


def test_stopping_the_local_aws_leaves_no_host_behind(tmp_path: Path) -> None:
    with LocalAws.start(tmp_path / "aws") as aws:
        beanstalk = aws.client("elasticbeanstalk", REGION)
        beanstalk.create_application(ApplicationName=APPLICATION)
        beanstalk.create_environment(
            ApplicationName=APPLICATION,
            EnvironmentName="last-workers",
            OptionSettings=settings("Workers", "none", namespace="snow-white:local"),
        )
        eventually(lambda: list((tmp_path / "aws" / "hosts").glob("*/host.json")) != [], "a host is up")
        (state,) = (tmp_path / "aws" / "hosts").glob("*/host.json")
        host = SystemdHost.attach(state.parent)
    assert not host.is_running
    assert not host.cgroup.exists()
    assert not (tmp_path / "aws").exists()


def settings(name: str, value: str, *, namespace: str) -> list[dict[str, str]]:
    return [{"Namespace": namespace, "OptionName": name, "Value": value}]


def managed(cloud: Cloud) -> dict[str, str]:
    """The ping status of each managed instance."""
    pages = cloud.aws.client("ssm", REGION).get_paginator("describe_instance_information").paginate()
    return {
        instance["InstanceId"]: instance["PingStatus"]
        for page in pages
        for instance in page["InstanceInformationList"]
    }
