"""Groups whose instances are worker hosts: MiniStack keeps the groups, this launches and ends their instances.

A group has worker hosts if it is an environment's, or if its launch template has the user data of one
(local_aws.elastic_beanstalk.user_data). Its instances have the tags that the group propagates, and
`aws:autoscaling:groupName`.
"""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Callable
from typing import Any, Final, Protocol

from local_aws.auto_scaling import groups
from local_aws.auto_scaling.groups import GROUP_NAME_TAG, Group
from local_aws.auto_scaling.lifecycle import Lifecycle
from local_aws.elastic_beanstalk.user_data import is_worker
from local_aws.engine.ministack import wrap
from local_aws.engine.own_client import own_client

_scaling: Final = threading.Lock()
_logger = logging.getLogger(__name__)


class EnvironmentGroups(Protocol):
    """The groups of environments, which Elastic Beanstalk resizes."""

    def resize_group(self, region: str, group_name: str, instances: int) -> bool:
        """Begin to bring a group to this size; False if it is not an environment's."""


def install(lifecycle: Lifecycle, environments: EnvironmentGroups) -> None:
    """Launch and terminate instances when a group's capacity changes; MissingTarget if MiniStack does it otherwise."""
    from ministack.services import autoscaling

    def with_worker_hosts(reconcile: Callable[[Group], None]) -> Callable[[Group], None]:
        def reconcile_instances(group: Group) -> None:
            from ministack.core.responses import get_region

            region, name = get_region(), group["AutoScalingGroupName"]
            if environments.resize_group(region, name, group["DesiredCapacity"]):
                return
            user_data = _user_data(group)
            if not is_worker(user_data):
                reconcile(group)
                return
            # As on AWS the call answers before the instances are there; it is the engine's own thread that answers.
            threading.Thread(target=_scale, args=(lifecycle, group, region, user_data), daemon=True).start()

        return reconcile_instances

    wrap(autoscaling, "_reconcile_instances", with_worker_hosts)


def _user_data(group: Group) -> str:
    from ministack.services import ec2

    named = group["LaunchTemplate"].get("LaunchTemplateId", "")
    for template in ec2._launch_templates.values():
        if named in (template["LaunchTemplateId"], template["LaunchTemplateName"]):
            return str(template["Versions"][-1]["LaunchTemplateData"].get("UserData", ""))
    return ""


def _scale(lifecycle: Lifecycle, group: Group, region: str, user_data: str) -> None:
    """Bring the group to its desired capacity; those that are on their way out do not count."""
    ec2, name = own_client("ec2", region), group["AutoScalingGroupName"]

    def terminate(instance_id: str) -> Callable[[], None]:
        return lambda: ec2.terminate_instances(InstanceIds=[instance_id])

    try:
        with _scaling:
            staying, desired = groups.staying_members(group), group["DesiredCapacity"]
            for instance_id in reversed(staying[desired:]):
                lifecycle.leave(region, name, instance_id, terminate(instance_id))
            for _ in range(desired - len(staying)):
                groups.add_member(region, name, _launch(ec2, group, user_data), "InService")
    except Exception:
        _logger.exception("scaling of %s failed", name)


def _launch(ec2: Any, group: Group, user_data: str) -> str:
    tags = {tag["Key"]: tag["Value"] for tag in group["Tags"] if tag["PropagateAtLaunch"]}
    tags[GROUP_NAME_TAG] = group["AutoScalingGroupName"]
    launched = ec2.run_instances(
        ImageId="ami-0123456789abcdef0",
        MinCount=1,
        MaxCount=1,
        UserData=base64.b64decode(user_data).decode(),  # boto3 encodes it
        TagSpecifications=[
            {
                "ResourceType": "instance",
                "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
            }
        ],
    )
    return str(launched["Instances"][0]["InstanceId"])
