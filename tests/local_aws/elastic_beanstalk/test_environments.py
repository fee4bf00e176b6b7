"""The environments of Elastic Beanstalk: their instances are worker hosts with real Sidekiq."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from demonstration.ledger import Ledger, enqueue
from local_aws import LocalAws
from local_aws.hosts.systemd_host import SystemdHost
from tests.local_aws.elastic_beanstalk.cloud import APPLICATION, REGION, Cloud, managed, setting
from tests.patience import eventually


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
    cloud.update("sized-workers", OptionSettings=[setting("MinSize", "2")])
    assert len(cloud.ids("sized-workers")) == 2
    cloud.update("sized-workers", OptionSettings=[setting("MinSize", "1")])
    assert cloud.ids("sized-workers") == [first]
    assert len(list((cloud.aws.folder / "hosts").glob(first))) == 1


def test_an_instance_terminated_in_ec2_takes_its_host_with_it_and_is_not_replaced(cloud: Cloud) -> None:
    cloud.create("ended-workers", ("MinSize", "1"))
    (instance_id,) = cloud.ids("ended-workers")
    host = cloud.host(instance_id)
    answer = cloud.ec2().terminate_instances(InstanceIds=[instance_id])
    assert answer["TerminatingInstances"][0]["InstanceId"] == instance_id
    assert [one["InstanceId"] for one in cloud.instances("ended-workers", "shutting-down")] == [instance_id]
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


def test_stopping_the_local_aws_leaves_no_host_behind(tmp_path: Path) -> None:
    with LocalAws.start(tmp_path / "aws") as aws:
        beanstalk = aws.client("elasticbeanstalk", REGION)
        beanstalk.create_application(ApplicationName=APPLICATION)
        beanstalk.create_environment(
            ApplicationName=APPLICATION,
            EnvironmentName="last-workers",
            OptionSettings=[setting("Workers", "none")],
        )
        eventually(lambda: list((tmp_path / "aws" / "hosts").glob("*/host.json")) != [], "a host is up")
        (state,) = (tmp_path / "aws" / "hosts").glob("*/host.json")
        host = SystemdHost.attach(state.parent)
    assert not host.is_running
    assert not host.cgroup.exists()
    assert not (tmp_path / "aws").exists()
