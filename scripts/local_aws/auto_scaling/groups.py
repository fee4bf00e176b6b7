"""The Auto Scaling groups and their instances, as MiniStack keeps them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from local_aws.engine.account import ACCOUNT
from local_aws.engine.ministack import find

GROUP_NAME_TAG: Final = "aws:autoscaling:groupName"
TERMINATING: Final = "autoscaling:EC2_INSTANCE_TERMINATING"
Group = dict[str, Any]
Member = dict[str, Any]
Hook = dict[str, Any]
_LEAVING: Final = "Terminating"
"""How the LifecycleState of an instance begins that is on its way out."""
_lock = threading.RLock()


@contextmanager
def region_scope(region: str) -> Iterator[None]:
    """The account's resources of a region, for code that runs outside of a request."""
    from ministack.core.responses import request_scope

    with request_scope(ACCOUNT, region):
        yield


def find_group(region: str, name: str) -> Group | None:
    """The group, or None."""
    from ministack.services import autoscaling

    with region_scope(region):
        group: Group | None = autoscaling._asgs.get(name)
        return group


def create_group(region: str, name: str, tags: Mapping[str, str]) -> None:
    """A group without instances, whose tags its instances get; as a template with such a resource makes it."""
    from ministack.services.cloudformation import provisioners

    properties = {
        "AutoScalingGroupName": name,
        "MaxSize": 10_000,
        "Tags": [{"Key": key, "Value": value, "PropagateAtLaunch": True} for key, value in tags.items()],
    }
    with region_scope(region):
        find(provisioners, "_asg_create")(name, properties, "")


def delete_group(region: str, name: str) -> None:
    """Remove the group with its hooks."""
    from ministack.services import autoscaling

    with region_scope(region):
        find(autoscaling, "_delete_asg")({"AutoScalingGroupName": name})


def set_capacity(region: str, name: str, instances: int) -> None:
    """Write down how many instances the group is to have; launches and ends none."""
    if group := find_group(region, name):
        group["MinSize"] = group["DesiredCapacity"] = instances


def hooks_of(region: str, name: str) -> list[Hook]:
    """The hooks of the group for instances that are terminated."""
    from ministack.services import autoscaling

    with region_scope(region):
        return [
            hook
            for hook in list(autoscaling._hooks.values())
            if hook["AutoScalingGroupName"] == name and hook["LifecycleTransition"] == TERMINATING
        ]


def delete_hooks(region: str, name: str) -> None:
    """Remove the hooks of the group, as the stack of an environment does before it removes the group."""
    from ministack.services import autoscaling

    with region_scope(region):
        find(autoscaling, "_delete_group_hooks")(name)


def add_member(region: str, name: str, instance_id: str, lifecycle_state: str) -> None:
    """Add an instance to the group; harmless without the group."""
    if group := find_group(region, name):
        member = {
            "InstanceId": instance_id,
            "LifecycleState": lifecycle_state,
            "HealthStatus": "Healthy",
            "AvailabilityZone": group["AvailabilityZones"][0],
            "ProtectedFromScaleIn": group["NewInstancesProtectedFromScaleIn"],
            "LaunchTemplate": group["LaunchTemplate"],
            "LaunchConfigurationName": "",
        }
        with _lock:
            group["Instances"].append(member)


def set_member_state(region: str, name: str, instance_id: str, lifecycle_state: str) -> None:
    """Set the LifecycleState of an instance; harmless if it is not in the group."""
    for member in _members(region, name):
        if member["InstanceId"] == instance_id:
            member["LifecycleState"] = lifecycle_state


def remove_member(region: str, name: str, instance_id: str) -> None:
    """Take an instance out of the group; harmless if it is not in it."""
    if group := find_group(region, name):
        with _lock:
            group["Instances"][:] = [each for each in group["Instances"] if each["InstanceId"] != instance_id]


def staying_members(group: Group) -> list[str]:
    """Ids of the instances that are not on their way out."""
    with _lock:
        return [
            each["InstanceId"]
            for each in group["Instances"]
            if not each["LifecycleState"].startswith(_LEAVING)
        ]


def is_leaving(region: str, name: str, instance_id: str) -> bool:
    """Whether the instance is on its way out of the group."""
    return any(
        each["InstanceId"] == instance_id and each["LifecycleState"].startswith(_LEAVING)
        for each in _members(region, name)
    )


def remove_if_staying(region: str, instance_id: str) -> None:
    """Take an instance that was terminated in EC2 out of its group. One that hooks wait for stays until they end."""
    from ministack.services import autoscaling

    with region_scope(region):
        groups = list(autoscaling._asgs.values())
    for group in groups:
        if instance_id in staying_members(group):
            remove_member(region, group["AutoScalingGroupName"], instance_id)


def _members(region: str, name: str) -> list[Member]:
    group = find_group(region, name)
    with _lock:
        return list(group["Instances"]) if group else []
