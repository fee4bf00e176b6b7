"""Groups with real Sidekiq are scaled in under load: with a hook that somebody drains for, no job is cut off."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis

from demonstration.customer import Application
from demonstration.ledger import Ledger
from demonstration.scale_in import ScalingGroup, scale_in_under_load
from local_aws import LocalAws
from local_aws.elastic_beanstalk.user_data import user_data_of_worker
from local_aws.hosts.choice import attach_host
from local_aws.hosts.redis_server import RedisServer
from tests.patience import eventually

REGION = "eu-west-1"
HOOK = "drain"
BOOT_SECONDS = 240.0


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer.start(tmp_path) as server:
        yield server


@dataclass
class DrainingByHand:
    """Somebody who quiets each instance that waits for the hook, and lets it go when its jobs are done."""

    group: ScalingGroup
    jobs: redis.Redis
    quieted: set[str] = field(default_factory=set)
    let_go: set[str] = field(default_factory=set)

    def look(self) -> None:
        running = {start.worker.host for start in self._unfinished()}
        for instance in self.group.waiting():
            if instance not in self.quieted:
                host = attach_host(self.group.aws.folder / "hosts" / instance)
                host.run(["pkill", "-TSTP", "-f", "^sidekiq [0-9]"], check=True)
                self.quieted.add(instance)
            elif instance in self._confirmed() and instance not in running and instance not in self.let_go:
                self._api.complete_lifecycle_action(**self._which(instance), LifecycleActionResult="CONTINUE")
                self.let_go.add(instance)
            elif instance not in self.let_go:
                self._api.record_lifecycle_action_heartbeat(**self._which(instance))

    def _unfinished(self) -> list[Any]:
        ledger = Ledger.read(self.jobs)
        return [start for start in ledger.starts if start.jid not in ledger.finished]

    def _confirmed(self) -> set[str]:
        return {one.host for one in Ledger.read(self.jobs).workers if one.quieted_at}

    def _which(self, instance: str) -> dict[str, str]:
        return {
            "AutoScalingGroupName": self.group.name,
            "LifecycleHookName": HOOK,
            "InstanceId": instance,
        }

    @property
    def _api(self) -> Any:
        return self.group.aws.client("autoscaling", REGION)


def wait_until_up(server: RedisServer, workers: int) -> None:
    eventually(
        lambda: len(Ledger.read(server.client()).workers) == workers,
        f"{workers} workers are up",
        seconds=BOOT_SECONDS,
    )


def test_an_environment_is_scaled_from_four_to_one_and_the_ledger_is_exact(
    aws: LocalAws, jobs: RedisServer
) -> None:
    application = Application(aws, f"shop{secrets.token_hex(4)}", jobs.url)
    environment = application.add_environment("workers", REGION, instances=4)
    group = ScalingGroup.of_environment(aws, environment, REGION)
    wait_until_up(jobs, 4)
    group.add_hook(HOOK)
    draining = DrainingByHand(group, jobs.client())
    done = scale_in_under_load(group, jobs.client(), meanwhile=draining.look)

    assert len(done.ended) == 3
    assert draining.let_go == done.ended
    assert len(done.at_work) >= 3
    eventually(
        lambda: Ledger.read(jobs.client()).finished == done.jobs, "all jobs are done", seconds=BOOT_SECONDS
    )
    assert Ledger.read(jobs.client()).is_exact
    application.terminate()


def test_without_a_hook_a_plain_group_s_instances_take_their_jobs_with_them(
    aws: LocalAws, jobs: RedisServer
) -> None:
    group = plain_group(aws, jobs, instances=2)
    wait_until_up(jobs, 2)
    done = scale_in_under_load(group, jobs.client())

    (ended,) = done.ended
    eventually(lambda: ended not in group.running(), "it has ended")
    left = Ledger.read(jobs.client(), ended_hosts=done.ended)
    assert left.killed & done.at_work
    group.scale(0)


def test_a_plain_group_s_instance_waits_for_the_hook_too(aws: LocalAws, jobs: RedisServer) -> None:
    group = plain_group(aws, jobs, instances=2)
    wait_until_up(jobs, 2)
    group.add_hook(HOOK)
    draining = DrainingByHand(group, jobs.client())
    done = scale_in_under_load(group, jobs.client(), meanwhile=draining.look)

    assert draining.let_go == done.ended
    eventually(
        lambda: Ledger.read(jobs.client()).finished == done.jobs, "all jobs are done", seconds=BOOT_SECONDS
    )
    assert Ledger.read(jobs.client()).is_exact
    group.aws.client("autoscaling", REGION).delete_lifecycle_hook(
        AutoScalingGroupName=group.name, LifecycleHookName=HOOK
    )
    group.scale(0)


def plain_group(aws: LocalAws, jobs: RedisServer, instances: int) -> ScalingGroup:
    """A group without an environment."""
    name = f"workers-{secrets.token_hex(4)}"
    user_data = user_data_of_worker({"REDIS_URL": jobs.url})
    aws.client("ec2", REGION).create_launch_template(
        LaunchTemplateName=name,
        LaunchTemplateData={"UserData": base64.b64encode(user_data.encode()).decode()},
    )
    aws.client("autoscaling", REGION).create_auto_scaling_group(
        AutoScalingGroupName=name,
        LaunchTemplate={"LaunchTemplateName": name},
        MinSize=0,
        MaxSize=10,
        DesiredCapacity=instances,
        AvailabilityZones=[f"{REGION}a"],
    )
    return ScalingGroup(aws, name, REGION)
