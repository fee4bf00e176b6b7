"""Auto Scaling groups of a local AWS for tests: those of environments, whose hosts boot quickly without workers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from local_aws import LocalAws
from tests.patience import eventually

REGION: Final = "eu-west-1"
HOOK: Final = "drain"
TERMINATING: Final = "autoscaling:EC2_INSTANCE_TERMINATING"
EVENT: Final = "EC2 Instance-terminate Lifecycle Action"


@dataclass(frozen=True)
class Group:
    """The Auto Scaling group of an environment, and what EC2 and Auto Scaling say of its instances."""

    aws: LocalAws
    name: str
    environment: str

    @property
    def api(self) -> Any:
        return self.aws.client("autoscaling", REGION)

    def hook(self, name: str = HOOK, **fields: Any) -> None:
        """Add a hook that waits for two hours unless the fields say otherwise."""
        given = {"LifecycleTransition": TERMINATING, "HeartbeatTimeout": 7200, **fields}
        self.api.put_lifecycle_hook(AutoScalingGroupName=self.name, LifecycleHookName=name, **given)

    def scale(self, instances: int) -> None:
        self.api.set_desired_capacity(AutoScalingGroupName=self.name, DesiredCapacity=instances)

    def described(self) -> dict[str, Any]:
        (group,) = self.api.describe_auto_scaling_groups(AutoScalingGroupNames=[self.name])[
            "AutoScalingGroups"
        ]
        return dict(group)

    def states(self) -> dict[str, str]:
        """The LifecycleState of each instance."""
        return {one["InstanceId"]: one["LifecycleState"] for one in self.described()["Instances"]}

    def ids(self, lifecycle_state: str) -> list[str]:
        return [instance for instance, state in self.states().items() if state == lifecycle_state]

    def leaving(self, instances: int = 1) -> list[str]:
        """Ids of so many instances that wait for hooks, once they do."""

        def waiting() -> list[str]:
            found = self.ids("Terminating:Wait")
            return found if len(found) == instances else []

        return eventually(waiting, f"{instances} instances of {self.environment} wait")

    def ec2_state(self, instance: str) -> str:
        described = self.aws.client("ec2", REGION).describe_instances(InstanceIds=[instance])
        return str(described["Reservations"][0]["Instances"][0]["State"]["Name"])

    def wait_until_gone(self, *instances: str) -> None:
        for instance in instances:
            eventually(lambda: self.ec2_state(instance) == "terminated", f"{instance} is terminated")  # noqa: B023
            eventually(lambda: instance not in self.states(), f"{instance} has left its group")  # noqa: B023

    def complete(self, result: str = "CONTINUE", hook: str = HOOK, **which: str) -> None:
        self.api.complete_lifecycle_action(
            AutoScalingGroupName=self.name, LifecycleHookName=hook, LifecycleActionResult=result, **which
        )


@dataclass(frozen=True)
class Events:
    """The events of Auto Scaling in the region, since this queue was made."""

    aws: LocalAws
    queue_url: str

    @classmethod
    def collect(cls, aws: LocalAws, name: str, detail_type: str = EVENT) -> Events:
        sqs, events = aws.client("sqs", REGION), aws.client("events", REGION)
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.put_rule(Name=name, EventPattern=json.dumps({"detail-type": [detail_type]}))
        events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
        return cls(aws, url)

    def of(self, instance: str) -> dict[str, Any]:
        """The event of this instance, once it has come; those of others are dropped."""
        sqs = self.aws.client("sqs", REGION)

        def found() -> dict[str, Any] | None:
            messages = sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10).get(
                "Messages", []
            )
            for message in messages:
                event: dict[str, Any] = json.loads(message["Body"])
                if instance in json.dumps(event):
                    return event
            return None

        event = eventually(found, f"the event of {instance} has come")
        assert event is not None
        return event
