"""The notices that EC2 gives of Spot Instances, and their interruption.

Every instance here may get them. An Auto Scaling group does not launch another in its place, unlike on AWS.
"""

from __future__ import annotations

import threading
from typing import Final

from local_aws.elastic_beanstalk import ec2_instances
from local_aws.elastic_beanstalk.ec2_instances import scaled_pause
from local_aws.engine.account import ACCOUNT
from local_aws.engine.events import put_event

NOTICE_SECONDS: Final = 120.0
"""How long before its end an instance gets the notice, on AWS."""


def interrupt(region: str, instance_id: str, notice_seconds: float = NOTICE_SECONDS) -> None:
    """Send the notice, and terminate the instance so many of AWS's seconds later, in the background."""
    put_event(
        region,
        "aws.ec2",
        "EC2 Spot Instance Interruption Warning",
        {"instance-id": instance_id, "instance-action": "terminate"},
        [f"arn:aws:ec2:{region}a:instance/{instance_id}"],  # as AWS writes it: a zone, and no account
    )

    def end() -> None:
        scaled_pause(notice_seconds)
        ec2_instances.terminate(region, instance_id)

    threading.Thread(target=end, name=f"interrupt-{instance_id}", daemon=True).start()


def recommend_rebalance(region: str, instance_id: str) -> None:
    """Say that the instance is more likely to be interrupted than others; it goes on."""
    put_event(
        region,
        "aws.ec2",
        "EC2 Instance Rebalance Recommendation",
        {"instance-id": instance_id},
        [f"arn:aws:ec2:{region}:{ACCOUNT}:instance/{instance_id}"],
    )
