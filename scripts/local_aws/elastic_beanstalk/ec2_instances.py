"""The EC2 instances of worker hosts: MiniStack launches, lists and terminates them like any others.

An instance is `pending` while its host boots, `running` when it is up, `shutting-down` while it ends, and
`terminated` when it has ended.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from local_aws.engine.ministack import MissingTarget, Response, find
from local_aws.engine.own_client import own_client

ENVIRONMENT_ID_TAG = "elasticbeanstalk:environment-id"
ENVIRONMENT_NAME_TAG = "elasticbeanstalk:environment-name"
_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48}
_INSTANCE_ID = re.compile(rb"<instanceId>(i-[0-9a-f]+)</instanceId>")

EndHost = Callable[[str, str], None]


@dataclass(frozen=True)
class Launched:
    """An instance as EC2 made it; `host_name` is the first part of its private DNS name."""

    instance_id: str
    host_name: str


def launch(region: str, environment_name: str, environment_id: str) -> Launched:
    """Run one instance, by a call to EC2; it stays `pending` until `set_state`."""
    tags = [
        {"Key": "Name", "Value": environment_name},
        {"Key": ENVIRONMENT_NAME_TAG, "Value": environment_name},
        {"Key": ENVIRONMENT_ID_TAG, "Value": environment_id},
    ]
    answer = own_client("ec2", region).run_instances(
        ImageId="ami-0123456789abcdef0",
        InstanceType="t3.small",
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
    )
    (instance,) = answer["Instances"]
    return Launched(instance["InstanceId"], instance["PrivateDnsName"].partition(".")[0])


def terminate(region: str, instance_ids: list[str]) -> None:
    """Terminate instances by a call to EC2."""
    if instance_ids:
        own_client("ec2", region).terminate_instances(InstanceIds=instance_ids)


def set_state(region: str, instance_id: str, state: str) -> None:
    """Set the state of an instance; does nothing on one that EC2 does not list any more or that has ended."""
    instance = _record(region, instance_id)
    if instance is not None and instance["State"]["Name"] != "terminated":
        instance["State"] = {"Code": _CODES[state], "Name": state}
        if state == "terminated":
            instance["_terminated_at"] = datetime.now(UTC).timestamp()


def set_launched(region: str, instance_id: str, minutes_ago: float) -> None:
    """Set the time at which an instance was launched, for code that depends on its age."""
    instance = _record(region, instance_id)
    if instance is not None:
        moment = datetime.now(UTC) - timedelta(minutes=minutes_ago)
        instance["LaunchTime"] = moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def install(is_worker_host: Callable[[str, str], bool], end: EndHost) -> None:
    """Hook EC2's RunInstances and TerminateInstances; MissingTarget if MiniStack does not have them.

    `end(region, instance_id)` is called on a thread of its own for a worker host that is terminated; the
    instance is `terminated` when it returns.
    """
    from ministack.services import ec2

    actions = find(ec2, "_ACTION_MAP")
    for needed in ("_instances", "_tags", "_parse_member_list"):
        find(ec2, needed)
    for action in ("RunInstances", "TerminateInstances"):
        if action not in actions:
            raise MissingTarget(f"MiniStack's EC2 has no {action}: it is not the pinned version.")
    actions["RunInstances"] = _pending_at_first(actions["RunInstances"])
    actions["TerminateInstances"] = _ending_hosts(actions["TerminateInstances"], is_worker_host, end)


def _pending_at_first(run: Callable[[Any], Response]) -> Callable[[Any], Response]:
    def run_instances(parameters: Any) -> Response:
        from ministack.core.responses import get_region
        from ministack.services import ec2

        status, headers, body = run(parameters)
        for instance_id in map(bytes.decode, _INSTANCE_ID.findall(body)):
            if any(tag["Key"] == ENVIRONMENT_ID_TAG for tag in ec2._tags.get(instance_id, [])):
                set_state(get_region(), instance_id, "pending")
        return status, headers, body

    return run_instances


def _ending_hosts(
    terminate: Callable[[Any], Response], is_worker_host: Callable[[str, str], bool], end: EndHost
) -> Callable[[Any], Response]:
    def finish(region: str, instance_id: str) -> None:
        try:
            end(region, instance_id)
        finally:
            set_state(region, instance_id, "terminated")

    def terminate_instances(parameters: Any) -> Response:
        from ministack.core.responses import get_region
        from ministack.services import ec2

        region = get_region()
        before = {
            instance_id: ec2._instances[instance_id]["State"]["Name"]
            for instance_id in ec2._parse_member_list(parameters, "InstanceId")
            if instance_id in ec2._instances
        }
        status, headers, body = terminate(parameters)
        if status != 200:
            return status, headers, body
        for instance_id, state in before.items():
            if is_worker_host(region, instance_id) and state not in ("shutting-down", "terminated"):
                instance = ec2._instances[instance_id]
                instance["State"] = {"Code": _CODES["shutting-down"], "Name": "shutting-down"}
                threading.Thread(target=finish, args=(region, instance_id), name=f"end-{instance_id}").start()
        return status, headers, body

    return terminate_instances


def _record(region: str, instance_id: str) -> dict[str, Any] | None:
    from ministack.core.responses import get_account_id, request_scope
    from ministack.services import ec2

    with request_scope(get_account_id(), region):
        record: dict[str, Any] | None = ec2._instances.get(instance_id)
        return record
