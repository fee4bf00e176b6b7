"""Auto Scaling's lifecycle actions: which instances it ends, heartbeats that keep one waiting, and letting it go.

Auto Scaling answers ValidationError "No active Lifecycle Action found with token ..." for an action that somebody has
completed, or whose time is over (github.com/keikoproj/lifecycle-manager/issues/65 shows it).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final, Protocol

from botocore.exceptions import ClientError

from snow_white.aws.batches import batches
from snow_white.aws.errors import call_failed, code_of
from snow_white.model.termination import HookTimes, LifecycleAction

_NOT_ACTIVE: Final = "no active lifecycle action"
_MAX_REASON: Final = 200
_GROUPS_A_CALL: Final = 50
_TERMINATING: Final = "Terminating"


class AutoScalingClient(Protocol):
    """The part of boto3's client that is used."""

    def record_lifecycle_action_heartbeat(self, **given: Any) -> Any: ...

    def complete_lifecycle_action(self, **given: Any) -> Any: ...

    def describe_lifecycle_hooks(self, **given: Any) -> Any: ...

    def get_paginator(self, operation_name: str) -> Any: ...


class ActionOver(Exception):
    """Auto Scaling does not know the lifecycle action any more."""


class CallFailed(Exception):
    """Auto Scaling did not take the call; the sentence says why."""


def hook_times(client: AutoScalingClient, group: str, hook: str) -> HookTimes | None:
    """How long the hook lets instances wait; None if the group has no such hook any more.

    Auto Scaling answers ValidationError for a group that is gone.
    """
    try:
        answer = client.describe_lifecycle_hooks(AutoScalingGroupName=group, LifecycleHookNames=[hook])
    except ClientError as error:
        if code_of(error) == "ValidationError":
            return None
        raise
    for found in answer["LifecycleHooks"]:
        return HookTimes(
            timedelta(seconds=found["HeartbeatTimeout"]), timedelta(seconds=found["GlobalTimeout"])
        )
    return None


def terminating_instances(client: AutoScalingClient, groups: Iterable[str]) -> frozenset[str]:
    """Ids of the groups' instances that Auto Scaling is ending, also while a hook holds them (Terminating:Wait).

    A call takes 50 names; it answers with all instances of those groups (API_DescribeAutoScalingGroups.html).
    """
    found: set[str] = set()
    for some in batches(sorted(set(groups)), _GROUPS_A_CALL):
        pages = client.get_paginator("describe_auto_scaling_groups").paginate(
            AutoScalingGroupNames=list(some)
        )
        found.update(
            one["InstanceId"]
            for page in pages
            for group in page["AutoScalingGroups"]
            for one in group.get("Instances", [])
            if one["LifecycleState"].startswith(_TERMINATING)
        )
    return frozenset(found)


def record_heartbeat(client: AutoScalingClient, action: LifecycleAction, instance: str) -> None:
    """Start the hook's timeout anew. Raises ActionOver or CallFailed."""
    try:
        client.record_lifecycle_action_heartbeat(
            AutoScalingGroupName=action.group,
            LifecycleHookName=action.hook,
            LifecycleActionToken=action.token,
            InstanceId=instance,
        )
    except Exception as error:
        raise _read(error, "heartbeat") from error


def complete(client: AutoScalingClient, action: LifecycleAction, instance: str) -> None:
    """Let the instance go. Raises ActionOver or CallFailed."""
    try:
        client.complete_lifecycle_action(
            AutoScalingGroupName=action.group,
            LifecycleHookName=action.hook,
            LifecycleActionToken=action.token,
            InstanceId=instance,
            LifecycleActionResult="CONTINUE",
        )
    except Exception as error:
        raise _read(error, "completion of the lifecycle action") from error


def _read(error: Exception, what: str) -> Exception:
    """The error to raise in place of a failed call's; an error of our own making stays as it is."""
    if not call_failed(error):
        return error
    if (
        isinstance(error, ClientError)
        and code_of(error) == "ValidationError"
        and _NOT_ACTIVE in str(error).lower()
    ):
        return ActionOver("Auto Scaling has no such lifecycle action any more.")
    return CallFailed(f"Auto Scaling did not take the {what}: {str(error)[:_MAX_REASON]}")
