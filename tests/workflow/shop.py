"""A customer's application for one test: environments with real worker hosts, a Redis, jobs, and runs of Snow White."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar

import redis

from demonstration.customer import Application
from demonstration.ledger import Ledger, enqueue
from local_aws import LocalAws
from local_aws.elastic_beanstalk.user_data import user_data_of_worker
from local_aws.engine.account import Credentials
from local_aws.hosts.choice import attach_host
from local_aws.hosts.redis_server import RedisServer
from snow_white_cli.runs import Ended, FollowedRun
from tests import patience

HOME: Final = "us-east-1"
AWAY: Final = "eu-west-1"
# Generous, because everything here waits for a condition: only a hanging run meets it.
PATIENCE_SECONDS: Final = 240.0
_HELD_SECONDS: Final = 1800.0
_Value = TypeVar("_Value")


def eventually(holds: Callable[[], _Value], what: str) -> _Value:
    """Wait until the condition holds, as long as a run on hosts may take; fails with `what` was waited for."""
    return patience.eventually(holds, what, seconds=PATIENCE_SECONDS)


def ended(run: FollowedRun) -> Ended:
    """The run at its end. What failed in its steps is printed, for a test that fails afterwards."""
    eventually(run.has_ended, f"{run.name} ends")
    pages = run.client.get_paginator("get_execution_history").paginate(executionArn=run.arn)
    for event in (event for page in pages for event in page["events"]):
        if event["type"].endswith(("Failed", "TimedOut", "Aborted")):
            print(event["timestamp"], [value for key, value in event.items() if key.endswith("Details")])
    return run.end()


def schedules(shop: Shop, prefix: str) -> list[tuple[datetime, dict[str, Any]]]:
    """The shop's schedules whose names begin so, by time: when, and with which input."""
    client = shop.aws.client("scheduler")
    found = []
    for listed in client.list_schedules(GroupName="SnowWhite", NamePrefix=prefix)["Schedules"]:
        try:
            schedule = client.get_schedule(GroupName="SnowWhite", Name=listed["Name"])
        except client.exceptions.ResourceNotFoundException:
            continue  # another test's, whose run has just ended it
        asked = json.loads(schedule["Target"]["Input"])
        if asked.get("application") == shop.name:
            at = datetime.fromisoformat(schedule["ScheduleExpression"].removeprefix("at(").rstrip(")"))
            found.append((at, asked))
    return sorted(found, key=lambda one: one[0])


def verdicts(end: Ended) -> dict[str, str]:
    """The instances that are not confirmed, with their verdicts."""
    return {one["instance"]: one["verdict"] for one in end.output["problems"]}


@dataclass
class Shop:
    """The application, and Ann, who may start Snow White and has a Slack account."""

    aws: LocalAws
    name: str
    channel: str
    redis_server: RedisServer
    ann: Credentials
    application: Application = field(init=False)
    launched: list[tuple[str, str]] = field(default_factory=list)
    groups: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.application = Application(self.aws, self.name, self.redis_server.url)

    @property
    def redis(self) -> redis.Redis:
        return self.redis_server.client()

    def add_environment(
        self, name: str = "workers", *, region: str = HOME, instances: int = 1, **host_options: str
    ) -> str:
        """An environment `<application>-<name>` with real hosts; returns at once, see `wait_until_up`."""
        return self.application.add_environment(name, region, instances=instances, **host_options)

    def launch(self, role: str, region: str = HOME) -> str:
        """An instance without a group, with the tag `Role=<application>-<role>` and a worker; returns its id."""
        tags = [{"Key": "Role", "Value": f"{self.name}-{role}"}]
        (launched,) = self.aws.client("ec2", region).run_instances(
            ImageId="ami-0123456789abcdef0",
            MinCount=1,
            MaxCount=1,
            UserData=user_data_of_worker(self._variables),
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        )["Instances"]
        self.launched.append((region, launched["InstanceId"]))
        return str(launched["InstanceId"])

    def add_group(self, name: str, *, role: str, instances: int = 1, region: str = HOME) -> str:
        """An Auto Scaling group `<application>-<name>` of workers with a tag as for `launch`; returns its name."""
        full_name = f"{self.name}-{name}"
        encoded = base64.b64encode(user_data_of_worker(self._variables).encode()).decode()
        self.aws.client("ec2", region).create_launch_template(
            LaunchTemplateName=full_name, LaunchTemplateData={"UserData": encoded}
        )
        self.aws.client("autoscaling", region).create_auto_scaling_group(
            AutoScalingGroupName=full_name,
            LaunchTemplate={"LaunchTemplateName": full_name},
            MinSize=0,
            MaxSize=10,
            DesiredCapacity=instances,
            AvailabilityZones=[f"{region}a"],
            Tags=[{"Key": "Role", "Value": f"{self.name}-{role}", "PropagateAtLaunch": True}],
        )
        self.groups.append((region, full_name))
        return full_name

    def scale(self, group: str, instances: int, region: str = HOME) -> None:
        self.aws.client("autoscaling", region).set_desired_capacity(
            AutoScalingGroupName=group, DesiredCapacity=instances
        )

    def members(self, group: str, region: str = HOME) -> list[str]:
        """Ids of the group's instances, as Auto Scaling tells them."""
        described = self.aws.client("autoscaling", region).describe_auto_scaling_groups(
            AutoScalingGroupNames=[group]
        )
        (found,) = described["AutoScalingGroups"]
        return [one["InstanceId"] for one in found["Instances"]]

    def terminate(self) -> None:
        """Start to terminate everything that was launched."""
        self.application.terminate()
        for region, group in self.groups:
            self.scale(group, 0, region)
        for region, instance in self.launched:
            self.aws.client("ec2", region).terminate_instances(InstanceIds=[instance])

    @property
    def _variables(self) -> dict[str, str]:
        return {"REDIS_URL": self.redis_server.url}

    def wait_until_up(self, workers: int) -> None:
        """Until every environment is ready and so many Sidekiq processes have said that they started."""
        eventually(self.application.is_ready, f"{self.name} is ready")
        eventually(lambda: len(self.ledger().workers) >= workers, f"{workers} workers of {self.name} started")

    def instances(self, environment: str, region: str = HOME) -> list[str]:
        return self.application.instances(environment, region)

    def titles(self, instance: str) -> list[str]:
        """Process titles of the Sidekiq processes on the host."""
        host = attach_host(self.aws.folder / "hosts" / instance)
        listed = host.run(["ps", "-eo", "args="], check=True).stdout
        return [line.strip() for line in listed.splitlines() if line.strip().startswith("sidekiq ")]

    def enqueue(self, *seconds: float) -> list[str]:
        return enqueue(self.redis, list(seconds))

    def hold(self, jobs: int = 1) -> list[str]:
        """Enqueue jobs that last until `release`, so that they outlast what is done meanwhile; returns their ids."""
        return enqueue(self.redis, [_HELD_SECONDS] * jobs, job_class="HeldBackup")

    def release(self) -> None:
        """Let the jobs end that are held, and all later ones."""
        self.redis.set("released", "")

    def ledger(self) -> Ledger:
        return Ledger.read(self.redis)

    def run(self, action: str, **request: Any) -> FollowedRun:
        """Start Snow White as Ann, with this test's Slack channel."""
        return self.start({"action": action, "application": self.name, "channel": self.channel, **request})

    def start(self, asked: object, credentials: Credentials | None = None) -> FollowedRun:
        client = self.aws.client("stepfunctions", HOME, credentials or self.ann)
        return FollowedRun.start(client, self.aws.outputs["StateMachineArn"], asked)

    def told(self) -> list[dict[str, Any]]:
        """What this test's Slack channel shows."""
        return self.aws.slack.messages(self.channel)
