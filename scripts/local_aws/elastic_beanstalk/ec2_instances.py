"""The EC2 instances of worker hosts: MiniStack launches, lists and terminates them like any others.

An instance is `pending` while its host boots, and `running` when it is up. `ec2_lifecycle` ends it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from local_aws.engine.own_client import own_client

ENVIRONMENT_ID_TAG = "elasticbeanstalk:environment-id"
ENVIRONMENT_NAME_TAG = "elasticbeanstalk:environment-name"
CODES: Final = {
    "pending": 0,
    "running": 16,
    "shutting-down": 32,
    "terminated": 48,
    "stopping": 64,
    "stopped": 80,
}
_TERMINATED_SHOWN_SECONDS: Final = 3600
_MINISTACK_SHOWS_SECONDS: Final = 60


@dataclass(frozen=True)
class Launched:
    """An instance as EC2 made it; `host_name` is the first part of its private DNS name."""

    instance_id: str
    host_name: str


def launch(region: str, tags: Mapping[str, str]) -> Launched:
    """Run one instance with these tags, by a call to EC2; it stays `pending` until `set_state`."""
    answer = own_client("ec2", region).run_instances(
        ImageId="ami-0123456789abcdef0",
        InstanceType="t3.small",
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[
            {
                "ResourceType": "instance",
                "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
            }
        ],
    )
    (instance,) = answer["Instances"]
    return Launched(instance["InstanceId"], instance["PrivateDnsName"].partition(".")[0])


def terminate(region: str, instance_id: str) -> None:
    """Terminate an instance by a call to EC2."""
    own_client("ec2", region).terminate_instances(InstanceIds=[instance_id])


def set_state(region: str, instance_id: str, state: str) -> None:
    """Set the state of an instance; does nothing on one that EC2 does not list any more or that has ended."""
    instance = _record(region, instance_id)
    if instance is not None and instance["State"]["Name"] != "terminated":
        instance["State"] = {"Code": CODES[state], "Name": state}
        if state == "terminated":
            # EC2 lists it for about an hour, MiniStack for a minute after this time.
            shown_longer = _TERMINATED_SHOWN_SECONDS - _MINISTACK_SHOWS_SECONDS
            instance["_terminated_at"] = datetime.now(UTC).timestamp() + shown_longer


def set_launched(region: str, instance_id: str, minutes_ago: float) -> None:
    """Set the time at which an instance was launched, for code that depends on its age."""
    instance = _record(region, instance_id)
    if instance is not None:
        moment = datetime.now(UTC) - timedelta(minutes=minutes_ago)
        instance["LaunchTime"] = moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def state_of(region: str, instance_id: str) -> str | None:
    """The name of the instance's state; None for one that EC2 does not list."""
    instance = _record(region, instance_id)
    return str(instance["State"]["Name"]) if instance else None


def wait_scale() -> float:
    """The factor on AWS's own waiting times."""
    from ministack.services import stepfunctions

    return float(stepfunctions._SFN_WAIT_SCALE)


def scaled_pause(seconds: float) -> None:
    """Wait for so many of AWS's seconds: the factor on waiting times applies."""
    time.sleep(seconds * wait_scale())


def _record(region: str, instance_id: str) -> dict[str, Any] | None:
    from ministack.core.responses import get_account_id, request_scope
    from ministack.services import ec2

    with request_scope(get_account_id(), region):
        record: dict[str, Any] | None = ec2._instances.get(instance_id)
        return record
