"""Auto Scaling groups whose instances are worker hosts: MiniStack keeps the groups, this launches their instances.

A group has worker hosts if its launch template has the user data of one (local_aws.elastic_beanstalk.user_data). Its
instances have the tags that the group propagates, and `aws:autoscaling:groupName`.
"""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Callable
from typing import Any, Final

from local_aws.elastic_beanstalk.user_data import is_worker
from local_aws.engine.ministack import wrap
from local_aws.engine.own_client import own_client

GROUP_NAME_TAG: Final = "aws:autoscaling:groupName"
_logger = logging.getLogger(__name__)
Group = dict[str, Any]


def install() -> None:
    """Launch and terminate instances when a group's capacity changes; MissingTarget if MiniStack does it otherwise."""
    from ministack.services import autoscaling

    wrap(autoscaling, "_reconcile_instances", _with_worker_hosts)


def _with_worker_hosts(reconcile: Callable[[Group], None]) -> Callable[[Group], None]:
    def reconcile_instances(group: Group) -> None:
        from ministack.core.responses import get_region
        from ministack.services import ec2

        named = group["LaunchTemplate"].get("LaunchTemplateId", "")
        template: dict[str, str] = next(
            (
                one["Versions"][-1]["LaunchTemplateData"]
                for one in ec2._launch_templates.values()
                if named in (one["LaunchTemplateId"], one["LaunchTemplateName"])
            ),
            {},
        )
        user_data = template.get("UserData", "")
        if not is_worker(user_data):
            reconcile(group)
            return
        # As on AWS the call answers before the instances are there; it is the engine's own thread that answers.
        threading.Thread(target=_scale, args=(group, get_region(), user_data), daemon=True).start()

    return reconcile_instances


def _scale(group: Group, region: str, user_data: str) -> None:
    """Bring the group to its desired capacity; it is one thread for each change, and changes of a group are rare."""
    ec2 = own_client("ec2", region)
    instances, desired = group["Instances"], group["DesiredCapacity"]
    try:
        while len(instances) > desired:
            ec2.terminate_instances(InstanceIds=[instances.pop()["InstanceId"]])
        while len(instances) < desired:
            instances.append(_launch(ec2, group, user_data))
    except Exception:
        _logger.exception("scaling of %s failed", group["AutoScalingGroupName"])


def _launch(ec2: Any, group: Group, user_data: str) -> dict[str, Any]:
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
    return {
        "InstanceId": launched["Instances"][0]["InstanceId"],
        "LifecycleState": "InService",
        "HealthStatus": "Healthy",
        "AvailabilityZone": group["AvailabilityZones"][0],
        "ProtectedFromScaleIn": group["NewInstancesProtectedFromScaleIn"],
        "LaunchTemplate": group["LaunchTemplate"],
        "LaunchConfigurationName": "",
    }
