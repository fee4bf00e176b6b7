"""The lifecycle hook for a group of one's own: Snow White serves it, and Auto Scaling takes it."""

from __future__ import annotations

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk.assertions import Template

from infra.lifecycle_hook import InvalidLifecycleHook, WorkerLifecycleHook
from snow_white.model.termination import Termination
from tests.infra.unvalidated import unvalidated_app


def hook(suffix: str = "", **more: Duration) -> dict[str, object]:
    """The properties of the hook for a group that is named `backups`."""
    stack = Stack(unvalidated_app())
    group = autoscaling.AutoScalingGroup.from_auto_scaling_group_name(stack, "Workers", "backups")
    WorkerLifecycleHook(stack, "Drain", group=group, suffix=suffix, **more)
    (found,) = Template.from_stack(stack).find_resources("AWS::AutoScaling::LifecycleHook").values()
    properties: dict[str, object] = found["Properties"]
    return properties


def test_an_instance_may_wait_for_two_days() -> None:
    assert hook() == {
        "AutoScalingGroupName": "backups",
        "LifecycleHookName": "SnowWhite",
        "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING",
        "HeartbeatTimeout": 1_800,
        "DefaultResult": "CONTINUE",
    }
    assert 100 * 1_800 >= 48 * 3_600


@pytest.mark.parametrize("suffix", ["", "-workers", "Drain2"])
def test_a_run_takes_the_hook_whatever_its_suffix(suffix: str) -> None:
    properties = hook(suffix)
    action = {
        "group": properties["AutoScalingGroupName"],
        "hook": properties["LifecycleHookName"],
        "token": "87654321-4321-4321-4321-210987654321",
        "heartbeat_seconds": properties["HeartbeatTimeout"],
    }
    assert Termination.read({"notice": "lifecycle_action", "lifecycle_action": action})


@pytest.mark.parametrize("seconds", [29, 7_201])
def test_a_timeout_that_auto_scaling_does_not_take_is_refused(seconds: int) -> None:
    with pytest.raises(InvalidLifecycleHook, match="Auto Scaling takes 30 to 7200"):
        hook(heartbeat_timeout=Duration.seconds(seconds))
