"""Instances that are stopped, started, rebooted, terminated and replaced, as EC2 shows them and as they are."""

from __future__ import annotations

import time

import pytest
from botocore.exceptions import ClientError

from local_aws.elastic_beanstalk.ec2_lifecycle import ENDING_SECONDS
from tests.local_aws.elastic_beanstalk.cloud import REGION, Cloud, managed
from tests.patience import eventually


def state_of(cloud: Cloud, instance_id: str) -> str:
    described = cloud.ec2().describe_instances(InstanceIds=[instance_id])
    return str(described["Reservations"][0]["Instances"][0]["State"]["Name"])


def test_an_instance_is_shutting_down_for_a_while_and_its_id_can_be_asked_for_afterwards(
    cloud: Cloud,
) -> None:
    cloud.create("dying-workers", ("MinSize", "1"), ("Workers", "none"))
    (instance_id,) = cloud.ids("dying-workers")
    begun = time.monotonic()
    cloud.ec2().terminate_instances(InstanceIds=[instance_id])

    assert state_of(cloud, instance_id) == "shutting-down"
    eventually(lambda: state_of(cloud, instance_id) == "terminated", "it is terminated")
    assert time.monotonic() - begun >= ENDING_SECONDS


def test_an_instance_that_never_was_is_not_found_by_its_id(cloud: Cloud) -> None:
    with pytest.raises(ClientError) as refused:
        cloud.ec2().describe_instances(InstanceIds=["i-0123456789abcdef0"])
    assert refused.value.response["Error"]["Code"] == "InvalidInstanceID.NotFound"


def test_a_stopped_instance_has_no_host_and_is_no_target_until_it_is_started(cloud: Cloud) -> None:
    cloud.create("stopped-workers", ("MinSize", "1"), ("Workers", "none"))
    (instance_id,) = cloud.ids("stopped-workers")
    cloud.ec2().stop_instances(InstanceIds=[instance_id])

    assert state_of(cloud, instance_id) == "stopping"
    eventually(lambda: state_of(cloud, instance_id) == "stopped", "it is stopped")
    assert not (cloud.aws.folder / "hosts" / instance_id).exists()
    with pytest.raises(ClientError, match="InvalidInstanceId"):
        cloud.aws.client("ssm", REGION).send_command(
            DocumentName=cloud.document, InstanceIds=[instance_id], Parameters={}
        )

    cloud.ec2().start_instances(InstanceIds=[instance_id])
    eventually(lambda: state_of(cloud, instance_id) == "running", "it runs again")
    assert cloud.host(instance_id).is_running
    assert managed(cloud)[instance_id] == "Online"
    assert cloud.says(instance_id) == "Success"


def test_a_rebooted_instance_starts_its_worker_again_and_loses_what_ran(cloud: Cloud) -> None:
    cloud.create("rebooted-workers", ("MinSize", "1"))
    (instance_id,) = cloud.ids("rebooted-workers")
    eventually(lambda: cloud.versions_running(instance_id) == ["v1"], "the worker runs")
    before = cloud.host(instance_id)
    cloud.ec2().reboot_instances(InstanceIds=[instance_id])

    eventually(lambda: not before.is_running, "the host goes down")
    assert state_of(cloud, instance_id) == "running"
    eventually(lambda: len(cloud.lives(instance_id)) == 2, "another worker has started")
    eventually(lambda: managed(cloud)[instance_id] == "Online", "the agent is back")
    assert cloud.says(instance_id) == "Success"
