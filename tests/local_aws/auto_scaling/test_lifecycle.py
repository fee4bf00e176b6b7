"""An instance that leaves its group waits for the group's hooks, as on AWS."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from local_aws import LocalAws
from local_aws.auto_scaling.lifecycle import LifecycleAction
from tests.local_aws.auto_scaling.groups import HOOK, REGION, TERMINATING, Events, Group


def test_an_instance_waits_for_the_hook_and_is_terminated_when_it_is_completed(
    aws: LocalAws, new_group: Callable[[int], Group]
) -> None:
    group, events = new_group(2), Events.collect(aws, "waits")
    group.hook(NotificationMetadata="workers")
    group.scale(1)
    (leaving,) = group.leaving()

    (row,) = group.api.describe_auto_scaling_instances(InstanceIds=[leaving])["AutoScalingInstances"]
    assert (row["LifecycleState"], row["AutoScalingGroupName"]) == ("Terminating:Wait", group.name)
    assert group.ec2_state(leaving) == "running"
    event = events.of(leaving)
    token = event["detail"].pop("LifecycleActionToken")
    assert len(token) == 36
    assert event["detail"] == {
        "AutoScalingGroupName": group.name,
        "LifecycleHookName": HOOK,
        "EC2InstanceId": leaving,
        "LifecycleTransition": TERMINATING,
        "NotificationMetadata": "workers",
        "Origin": "AutoScalingGroup",
        "Destination": "EC2",
    }
    assert (event["source"], event["detail-type"], event["region"], event["resources"]) == (
        "aws.autoscaling",
        "EC2 Instance-terminate Lifecycle Action",
        REGION,
        [group.described()["AutoScalingGroupARN"]],
    )

    group.complete(LifecycleActionToken=token)
    group.wait_until_gone(leaving)
    assert list(group.states().values()) == ["InService"]


def test_it_is_to_be_terminated_once_the_hook_is_done_while_ec2_ends_it(
    new_group: Callable[[int], Group],
) -> None:
    group = new_group(1)
    group.hook()
    group.scale(0)
    (leaving,) = group.leaving()
    group.complete(InstanceId=leaving)

    seen = set()
    while True:
        # EC2's first, so that what changes in between cannot look as if EC2 had not waited.
        instance_state, state = group.ec2_state(leaving), group.states().get(leaving)
        if state is None:
            break
        seen.add((state, instance_state))
    assert ("Terminating:Proceed", "shutting-down") in seen
    assert not {one for one in seen if one[0] == "Terminating:Wait" and one[1] != "running"}


def test_what_nobody_waits_for_can_be_neither_completed_nor_extended(
    new_group: Callable[[int], Group],
) -> None:
    group = new_group(1)
    group.hook()
    (instance,) = group.ids("InService")
    which = {"AutoScalingGroupName": group.name, "LifecycleHookName": HOOK}
    by_id = f"No active Lifecycle Action found with instance ID {instance}"

    def refusals() -> list[str]:
        found = []
        token = "00000000-0000-0000-0000-000000000000"  # of a lifecycle action
        for named in ({"InstanceId": instance}, {"InstanceId": instance, "LifecycleActionToken": token}):
            with pytest.raises(ClientError) as refused:
                group.complete(**named)
            assert refused.value.response["Error"]["Code"] == "ValidationError"
            found.append(refused.value.response["Error"]["Message"])
            with pytest.raises(ClientError) as refused:
                group.api.record_lifecycle_action_heartbeat(**which, **named)
            found.append(refused.value.response["Error"]["Message"])
        return found

    by_token = "No active Lifecycle Action found with token 00000000-0000-0000-0000-000000000000"
    assert refusals() == [by_id, by_id, by_token, by_token]
    group.scale(0)
    group.leaving()
    group.api.record_lifecycle_action_heartbeat(**which, InstanceId=instance)
    group.complete(InstanceId=instance)
    assert refusals() == [by_id, by_id, by_token, by_token]


@pytest.mark.parametrize("result", ["CONTINUE", "ABANDON"])
def test_a_hook_that_nobody_completes_ends_with_its_default_result(
    aws: LocalAws, new_group: Callable[[int], Group], result: str
) -> None:
    group = new_group(1)
    group.hook(HeartbeatTimeout=30, DefaultResult=result)
    (instance,) = group.ids("InService")
    aws.set_wait_scale(0.01)
    try:
        group.scale(0)
        group.wait_until_gone(instance)
    finally:
        aws.set_wait_scale(1)


def test_a_heartbeat_starts_the_timeout_anew_until_a_hundred_timeouts_or_48_hours_are_over() -> None:
    def action(timeout: int) -> LifecycleAction:
        hook = {"AutoScalingGroupName": "workers", "LifecycleHookName": HOOK, "HeartbeatTimeout": timeout}
        return LifecycleAction(REGION, hook, "i-0123456789abcdef0", begun=1000, scale=1)

    short, long = action(30), action(7200)
    assert (short.deadline, long.deadline) == (1030, 8200)
    short.extend(1020)
    long.extend(8000)
    assert (short.deadline, long.deadline) == (1050, 15200)
    short.extend(1000 + 2990)
    long.extend(1000 + 47 * 3600)
    assert (short.deadline, long.deadline) == (1000 + 3000, 1000 + 48 * 3600)


def test_of_two_hooks_both_must_continue_unless_one_abandons(new_group: Callable[[int], Group]) -> None:
    group = new_group(2)
    group.hook()
    group.hook("logs")
    group.scale(0)
    first, second = group.leaving(2)

    group.complete(InstanceId=first)
    group.complete("ABANDON", InstanceId=second)
    group.wait_until_gone(second)
    assert group.states() == {first: "Terminating:Wait"}
    group.complete(hook="logs", InstanceId=first)
    group.wait_until_gone(first)


def test_deleting_the_hook_ends_the_wait_and_changing_it_does_not(new_group: Callable[[int], Group]) -> None:
    group = new_group(1)
    group.hook()
    group.scale(0)
    (leaving,) = group.leaving()
    group.hook(NotificationMetadata="changed", HeartbeatTimeout=30)
    group.api.record_lifecycle_action_heartbeat(
        AutoScalingGroupName=group.name, LifecycleHookName=HOOK, InstanceId=leaving
    )
    time.sleep(1)  # so that it would have been noticed
    assert group.states() == {leaving: "Terminating:Wait"}

    group.api.delete_lifecycle_hook(AutoScalingGroupName=group.name, LifecycleHookName=HOOK)
    group.wait_until_gone(leaving)


def test_an_instance_that_ec2_ends_while_a_hook_waits_stays_in_its_group_until_the_hook_is_done(
    aws: LocalAws, new_group: Callable[[int], Group]
) -> None:
    group = new_group(1)
    group.hook()
    group.scale(0)
    (leaving,) = group.leaving()
    aws.client("ec2", REGION).terminate_instances(InstanceIds=[leaving])
    while group.ec2_state(leaving) != "terminated":
        assert group.states() == {leaving: "Terminating:Wait"}

    group.complete(InstanceId=leaving)
    group.wait_until_gone(leaving)


def test_an_instance_that_is_terminated_in_ec2_leaves_its_group_without_a_hook(
    aws: LocalAws, new_group: Callable[[int], Group]
) -> None:
    group = new_group(1)
    (instance,) = group.ids("InService")
    aws.client("ec2", REGION).terminate_instances(InstanceIds=[instance])
    group.wait_until_gone(instance)
