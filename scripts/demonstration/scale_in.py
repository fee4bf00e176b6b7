"""Scaling in an Auto Scaling group, an environment's or a plain one, while its workers are under load."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import redis

from demonstration.ledger import Ledger, enqueue
from local_aws.client import LocalAws
from local_aws.processes.waiting import wait_for
from snow_white_cli.runs import FollowedRun

TIMEOUT_SECONDS: Final = 280.0
_TERMINATING: Final = "autoscaling:EC2_INSTANCE_TERMINATING"
_LONG_SECONDS: Final = 15.0
_SHORT_SECONDS: Final = 0.5
_LONG_JOBS_A_WORKER: Final = 5
"""As many as a worker takes at once."""
_SHORT_JOBS_A_WORKER: Final = 25
"""They wait in the queue while the long ones run, so that a worker that is not quiet takes some."""
_LOOK_SECONDS: Final = 0.5


class NotScaledIn(Exception):
    """The instances did not come under load, or did not end; the sentence says which."""


@dataclass(frozen=True)
class ScalingGroup:
    """An Auto Scaling group whose instances are worker hosts."""

    aws: LocalAws
    name: str
    region: str

    @classmethod
    def of_environment(cls, aws: LocalAws, environment: str, region: str) -> ScalingGroup:
        """The one that Elastic Beanstalk has made for the environment."""
        resources = aws.client("elasticbeanstalk", region).describe_environment_resources(
            EnvironmentName=environment
        )
        (group,) = resources["EnvironmentResources"]["AutoScalingGroups"]
        return cls(aws, group["Name"], region)

    def add_hook(self, name: str, heartbeat_seconds: int = 300) -> None:
        """Let instances wait for somebody before they are terminated."""
        self._api.put_lifecycle_hook(
            AutoScalingGroupName=self.name,
            LifecycleHookName=name,
            LifecycleTransition=_TERMINATING,
            HeartbeatTimeout=heartbeat_seconds,
            DefaultResult="CONTINUE",
        )

    def scale(self, instances: int) -> None:
        """Start to launch or terminate instances until there are so many."""
        self._api.set_desired_capacity(AutoScalingGroupName=self.name, DesiredCapacity=instances)

    def running(self) -> list[str]:
        """Ids of the instances that EC2 runs, those included that wait for a hook."""
        described = self.aws.client("ec2", self.region).describe_instances(
            Filters=[
                {"Name": "tag:aws:autoscaling:groupName", "Values": [self.name]},
                {"Name": "instance-state-name", "Values": ["running"]},
            ]
        )
        return sorted(one["InstanceId"] for each in described["Reservations"] for one in each["Instances"])

    def waiting(self) -> list[str]:
        """Ids of the instances that wait for a hook."""
        groups = self._api.describe_auto_scaling_groups(AutoScalingGroupNames=[self.name])
        return sorted(
            one["InstanceId"]
            for group in groups["AutoScalingGroups"]
            for one in group["Instances"]
            if one["LifecycleState"] == "Terminating:Wait"
        )

    @property
    def _api(self) -> Any:
        return self.aws.client("autoscaling", self.region)


@dataclass(frozen=True)
class ScaledIn:
    """What happened.

    Attributes:
        ended: ids of the instances that have ended.
        at_work: ids of the jobs that ran on those when the group was told to scale in.
        jobs: ids of all jobs that were enqueued for this.
    """

    ended: frozenset[str]
    at_work: frozenset[str]
    jobs: frozenset[str]


def scale_in_under_load(
    group: ScalingGroup,
    jobs_in: redis.Redis,
    *,
    to: int = 1,
    meanwhile: Callable[[], None] = lambda: None,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> ScaledIn:
    """Give every worker of the group as many jobs as it takes, scale in, and wait until the others have ended.

    `meanwhile` is called again and again until the end. Jobs that are left then are for the instances that stay.
    Raises NotScaledIn.
    """
    before = set(group.running())
    lengths = [_LONG_SECONDS] * (_LONG_JOBS_A_WORKER * len(before))
    lengths += [_SHORT_SECONDS] * (_SHORT_JOBS_A_WORKER * len(before))
    jobs = enqueue(jobs_in, lengths)
    at_work = wait_for(lambda: _at_work_on_all(before, jobs_in), timeout_seconds, poll_seconds=_LOOK_SECONDS)
    if not at_work:
        raise NotScaledIn(f"Not every worker of {group.name} had a job after {timeout_seconds:.0f} s.")
    group.scale(to)

    def has_ended() -> bool:
        meanwhile()
        return len(group.running()) <= to

    if not wait_for(has_ended, timeout_seconds, poll_seconds=_LOOK_SECONDS):
        waiting = ", ".join(group.waiting()) or "none"
        raise NotScaledIn(
            f"{group.name} has more than {to} instances; those that wait for a hook: {waiting}."
        )
    ended = before - set(group.running())
    at_work_there = {jid for host in ended for jid in at_work[host]}
    return ScaledIn(frozenset(ended), frozenset(at_work_there), frozenset(jobs))


def drains_of(aws: LocalAws, instances: Iterable[str]) -> dict[str, FollowedRun]:
    """The runs that the termination of these instances has started, by instance."""
    client = aws.client("stepfunctions")
    pages = client.get_paginator("list_executions").paginate(stateMachineArn=aws.outputs["StateMachineArn"])
    executions = [one for page in pages for one in page["executions"]]
    return {
        instance: FollowedRun(client, one["executionArn"])
        for instance in instances
        for one in executions
        if one["name"].startswith(f"drain-{instance}-")
    }


def _at_work_on_all(hosts: set[str], jobs_in: redis.Redis) -> dict[str, list[str]]:
    """The jobs that run, by host; {} if one of the hosts has none."""
    ledger = Ledger.read(jobs_in)
    running = {
        host: [start.jid for start in ledger.starts_on(host) if start.jid in ledger.running] for host in hosts
    }
    return running if all(running.values()) else {}
