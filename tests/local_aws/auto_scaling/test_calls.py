"""The calls about lifecycle hooks: what they keep, what they refuse, who may make them, and how they fail."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws import LocalAws
from local_aws.faults.rules import CallFault
from tests.local_aws.auto_scaling.groups import HOOK, REGION, TERMINATING, Group
from tests.local_aws.faults.calls import code_of, without_retries
from tests.local_aws.workbench import allowing


def message_of(call: Callable[..., Any], **arguments: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    return str(refused.value.response["Error"]["Message"])


def test_a_hook_is_kept_with_its_defaults_and_changed_in_part(new_group: Callable[[int], Group]) -> None:
    group = new_group(0)
    group.api.put_lifecycle_hook(
        AutoScalingGroupName=group.name, LifecycleHookName=HOOK, LifecycleTransition=TERMINATING
    )
    expected = {
        "LifecycleHookName": HOOK,
        "AutoScalingGroupName": group.name,
        "LifecycleTransition": TERMINATING,
        "HeartbeatTimeout": 3600,
        "GlobalTimeout": 172800,
        "DefaultResult": "ABANDON",
    }
    assert group.api.describe_lifecycle_hooks(AutoScalingGroupName=group.name)["LifecycleHooks"] == [expected]

    group.api.put_lifecycle_hook(
        AutoScalingGroupName=group.name,
        LifecycleHookName=HOOK,
        HeartbeatTimeout=60,
        NotificationMetadata="<a & b>",
    )
    group.hook("other")
    named = group.api.describe_lifecycle_hooks(AutoScalingGroupName=group.name, LifecycleHookNames=[HOOK])
    changed = {"HeartbeatTimeout": 60, "GlobalTimeout": 6000, "NotificationMetadata": "<a & b>"}
    assert named["LifecycleHooks"] == [{**expected, **changed}]

    group.api.delete_lifecycle_hook(AutoScalingGroupName=group.name, LifecycleHookName=HOOK)
    left = group.api.describe_lifecycle_hooks(AutoScalingGroupName=group.name)["LifecycleHooks"]
    assert [hook["LifecycleHookName"] for hook in left] == ["other"]


def test_wrong_hooks_and_names_are_refused(new_group: Callable[[int], Group]) -> None:
    group = new_group(0)
    put, which = group.api.put_lifecycle_hook, {"AutoScalingGroupName": group.name, "LifecycleHookName": HOOK}

    assert "LifecycleTransition" in message_of(put, **which)
    for seconds in (29, 7201):
        refusal = message_of(put, **which, LifecycleTransition=TERMINATING, HeartbeatTimeout=seconds)
        assert "between 30 and 7200" in refusal
    assert "DefaultResult" in message_of(
        put, **which, LifecycleTransition=TERMINATING, DefaultResult="PERHAPS"
    )
    unknown = message_of(group.api.describe_lifecycle_hooks, AutoScalingGroupName="none")
    assert unknown == "AutoScalingGroup name not found - AutoScalingGroup none not found"
    assert message_of(group.api.delete_lifecycle_hook, **which) == "No Lifecycle Hook found"
    assert "PERHAPS" not in str(group.api.describe_lifecycle_hooks(AutoScalingGroupName=group.name))
    group.hook()
    assert "InstanceId must be specified" in message_of(group.complete)
    assert "LifecycleActionResult" in message_of(group.complete, result="PERHAPS", InstanceId="i-01234567")


def test_what_is_described_comes_in_pages(aws: LocalAws, new_group: Callable[[int], Group]) -> None:
    names = sorted(new_group(0).name for _ in range(3))
    api = aws.client("autoscaling", REGION)
    pages = api.get_paginator("describe_auto_scaling_groups").paginate(
        AutoScalingGroupNames=names, PaginationConfig={"PageSize": 3}
    )
    assert sorted(one["AutoScalingGroupName"] for page in pages for one in page["AutoScalingGroups"]) == names
    all_pages = list(
        api.get_paginator("describe_auto_scaling_groups").paginate(PaginationConfig={"PageSize": 2})
    )
    listed = [one["AutoScalingGroupName"] for page in all_pages for one in page["AutoScalingGroups"]]
    assert {len(page["AutoScalingGroups"]) for page in all_pages[:-1]} == {2}
    assert set(names) <= set(listed)
    assert len(listed) == len(set(listed))


def test_more_names_or_ids_than_a_page_has_are_refused(aws: LocalAws) -> None:
    api = aws.client("autoscaling", REGION)
    ids = [f"i-{number:017x}" for number in range(51)]
    assert api.describe_auto_scaling_instances(InstanceIds=ids[:50])["AutoScalingInstances"] == []
    assert (
        message_of(api.describe_auto_scaling_instances, InstanceIds=ids)
        == "The number of instance ids that may be passed in is limited to 50"
    )
    assert "limited to 50" in message_of(api.describe_auto_scaling_groups, AutoScalingGroupNames=ids)
    assert (
        api.describe_auto_scaling_groups(AutoScalingGroupNames=ids, MaxRecords=51)["AutoScalingGroups"] == []
    )
    assert "between 1 and 100" in message_of(api.describe_auto_scaling_groups, MaxRecords=101)
    with pytest.raises(ClientError, match="InvalidNextToken"):
        api.describe_auto_scaling_groups(NextToken="second")


def test_a_policy_may_name_the_group_or_its_tags(aws: LocalAws, new_group: Callable[[int], Group]) -> None:
    allowed, other = new_group(0), new_group(0)

    def denied(policy: str, group: Group, call: str, **arguments: Any) -> bool:
        user = f"user-{uuid.uuid4().hex[:8]}"
        keys = aws.create_user(user)
        aws.client("iam").put_user_policy(UserName=user, PolicyName="p", PolicyDocument=policy)
        client = aws.client("autoscaling", REGION, keys)
        with pytest.raises(ClientError) as refused:
            getattr(client, call)(
                AutoScalingGroupName=group.name, LifecycleHookName=HOOK, InstanceId="i-01234567", **arguments
            )
        code = refused.value.response["Error"]["Code"]
        assert code in ("AccessDenied", "ValidationError")
        return bool(code == "AccessDenied")

    named = f"arn:aws:autoscaling:*:{aws.account}:autoScalingGroup:*:autoScalingGroupName/{allowed.name}"
    tagged = {
        "Condition": {
            "StringEquals": {"aws:ResourceTag/elasticbeanstalk:environment-name": allowed.environment}
        }
    }
    for call, arguments in (
        ("complete_lifecycle_action", {"LifecycleActionResult": "CONTINUE"}),
        ("record_lifecycle_action_heartbeat", {}),
    ):
        action = "autoscaling:" + "".join(word.title() for word in call.split("_"))
        for policy in (allowing(action, named), allowing(action, "*", **tagged)):
            assert not denied(policy, allowed, call, **arguments)
            assert denied(policy, other, call, **arguments)
        assert denied(allowing("autoscaling:Describe*"), allowed, call, **arguments)


def test_describing_is_allowed_for_all_groups_or_for_none(
    aws: LocalAws, new_group: Callable[[int], Group]
) -> None:
    group = new_group(0)
    named = f"arn:aws:autoscaling:*:{aws.account}:autoScalingGroup:*:autoScalingGroupName/{group.name}"
    codes = []
    for resource in (named, "*"):
        user = f"user-{uuid.uuid4().hex[:8]}"
        keys = aws.create_user(user)
        policy = allowing("autoscaling:DescribeLifecycleHooks", resource)
        aws.client("iam").put_user_policy(UserName=user, PolicyName="p", PolicyDocument=policy)
        client = aws.client("autoscaling", REGION, keys)
        try:
            client.describe_lifecycle_hooks(AutoScalingGroupName=group.name)
            codes.append("allowed")
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])
    assert codes == ["AccessDenied", "allowed"]


def test_the_calls_fail_as_a_fault_says(aws: LocalAws, new_group: Callable[[int], Group]) -> None:
    group, client = new_group(1), without_retries(aws, "autoscaling", REGION)
    which = {"AutoScalingGroupName": group.name, "LifecycleHookName": HOOK}
    group.hook()
    group.scale(0)
    (leaving,) = group.leaving()
    with aws.faults.cleared() as faults:
        for action in ("RecordLifecycleActionHeartbeat", "CompleteLifecycleAction"):
            faults.add(
                CallFault(service="autoscaling", answer="throttled", action=action, mentions=group.name)
            )
        heartbeat = partial(client.record_lifecycle_action_heartbeat, **which, InstanceId=leaving)
        assert code_of(heartbeat) == "Throttling"
        heartbeat()
        complete = partial(
            client.complete_lifecycle_action, **which, InstanceId=leaving, LifecycleActionResult="CONTINUE"
        )
        assert code_of(complete) == "Throttling"
        assert group.states() == {leaving: "Terminating:Wait"}
        complete()
    group.wait_until_gone(leaving)
