"""The lifecycle of an instance that leaves its group: it waits for the group's hooks before it is terminated.

On AWS the hooks of a group are told at the same time. Each has a timeout, which a heartbeat starts anew, and a limit
that heartbeats do not move: 48 hours or 100 timeouts, whichever is shorter. When a hook says ABANDON the others are
not waited for; the instance is terminated in either case.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from local_aws.auto_scaling import groups
from local_aws.auto_scaling.groups import Hook
from local_aws.elastic_beanstalk.ec2_instances import state_of, wait_scale
from local_aws.engine.events import put_event
from local_aws.engine.service_error import ServiceError

GLOBAL_TIMEOUT_SECONDS: Final = int(timedelta(hours=48).total_seconds())
TIMEOUTS_AT_MOST: Final = 100
TERMINATE_EVENT: Final = "EC2 Instance-terminate Lifecycle Action"
_LOOK_SECONDS: Final = 0.2
_logger = logging.getLogger(__name__)


class NoActiveAction(ServiceError):
    """No hook of this name waits for this instance, or not any more."""

    def __init__(self, named: str) -> None:
        super().__init__("ValidationError", f"No active Lifecycle Action found with {named}")


@dataclass
class LifecycleAction:
    """One hook that waits for one instance. Times are those of the clock."""

    region: str
    hook: Hook
    instance_id: str
    begun: float
    scale: float
    token: str = field(default_factory=lambda: str(uuid.uuid4()))
    result: str = ""

    def __post_init__(self) -> None:
        self.deadline = self.begun + self._timeout

    @property
    def group(self) -> str:
        return str(self.hook["AutoScalingGroupName"])

    def extend(self, now: float) -> None:
        """Start the timeout anew, within the limit."""
        limit = min(GLOBAL_TIMEOUT_SECONDS * self.scale, TIMEOUTS_AT_MOST * self._timeout)
        self.deadline = min(now + self._timeout, self.begun + limit)

    @property
    def _timeout(self) -> float:
        return float(self.hook["HeartbeatTimeout"] * self.scale)


def global_timeout(heartbeat_timeout: int) -> int:
    """The most seconds that an instance waits for a hook with this timeout."""
    return min(GLOBAL_TIMEOUT_SECONDS, TIMEOUTS_AT_MOST * heartbeat_timeout)


class Lifecycle:
    """The instances that leave their groups, in all regions."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._actions: list[LifecycleAction] = []

    def leave(self, region: str, group: str, instance_id: str, terminate: Callable[[], None]) -> None:
        """Terminate an instance of a group: now, or in the background once the hooks of the group are done with it.

        Does nothing more for one that is leaving already.
        """
        if groups.is_leaving(region, group, instance_id):
            return
        hooks = groups.hooks_of(region, group)
        actions = [LifecycleAction(region, hook, instance_id, self._clock(), wait_scale()) for hook in hooks]
        with self._changed:
            self._actions += actions
        groups.set_member_state(region, group, instance_id, "Terminating:Wait" if actions else "Terminating")
        if not actions:
            terminate()

        def finish() -> None:
            try:
                if actions:
                    self._wait_for_hooks(actions)
                    groups.set_member_state(region, group, instance_id, "Terminating:Proceed")
                    terminate()
                _wait_until_terminated(region, instance_id)
            except Exception:
                _logger.exception("%s does not leave %s", instance_id, group)
            groups.remove_member(region, group, instance_id)

        threading.Thread(target=finish, name=f"leave-{instance_id}", daemon=True).start()

    def complete(self, region: str, group: str, hook: str, token: str, instance_id: str, result: str) -> None:
        """End what a hook waits for, by its token or else by the instance. Raises NoActiveAction."""
        with self._changed:
            self._active(region, group, hook, token, instance_id).result = result
            self._changed.notify_all()

    def heartbeat(self, region: str, group: str, hook: str, token: str, instance_id: str) -> None:
        """Start the timeout of what a hook waits for anew. Raises NoActiveAction."""
        with self._changed:
            self._active(region, group, hook, token, instance_id).extend(self._clock())

    def _active(self, region: str, group: str, hook: str, token: str, instance_id: str) -> LifecycleAction:
        for action in self._actions:
            if (
                (action.region, action.group, action.hook["LifecycleHookName"]) == (region, group, hook)
                and not action.result
                and (action.token == token if token else action.instance_id == instance_id)
            ):
                return action
        named = f"token {token}" if token else f"instance ID {instance_id}"
        raise NoActiveAction(named)

    def _wait_for_hooks(self, actions: list[LifecycleAction]) -> None:
        for action in actions:
            _announce(action)
        with self._changed:
            while not _are_over(actions):
                self._expire(actions)
                self._changed.wait(_LOOK_SECONDS)
            self._actions = [each for each in self._actions if each not in actions]

    def _expire(self, actions: list[LifecycleAction]) -> None:
        for action in actions:
            if action.result:
                continue
            names = [each["LifecycleHookName"] for each in groups.hooks_of(action.region, action.group)]
            if action.hook["LifecycleHookName"] not in names:
                action.result = "CONTINUE"  # as AWS completes what waits for a hook that is deleted
            elif self._clock() >= action.deadline:
                action.result = str(action.hook["DefaultResult"])


def _are_over(actions: list[LifecycleAction]) -> bool:
    results = [each.result for each in actions]
    return "ABANDON" in results or all(results)


def _announce(action: LifecycleAction) -> None:
    """Put the event of an instance that waits on the default bus of its region."""
    hook, group = action.hook, groups.find_group(action.region, action.group)
    metadata = {key: value for key, value in hook.items() if key == "NotificationMetadata" and value}
    detail = {
        "LifecycleActionToken": action.token,
        "AutoScalingGroupName": action.group,
        "LifecycleHookName": hook["LifecycleHookName"],
        "EC2InstanceId": action.instance_id,
        "LifecycleTransition": hook["LifecycleTransition"],
        **metadata,
        "Origin": "AutoScalingGroup",
        "Destination": "EC2",
    }
    resources = [group["AutoScalingGroupARN"]] if group else []
    put_event(action.region, "aws.autoscaling", TERMINATE_EVENT, detail, resources)


def _wait_until_terminated(region: str, instance_id: str) -> None:
    while state_of(region, instance_id) not in ("terminated", None):
        time.sleep(_LOOK_SECONDS)
