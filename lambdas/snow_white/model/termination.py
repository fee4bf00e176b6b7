"""The termination of an instance: why it is about to end, and the lifecycle action by which Auto Scaling waits for it.

Facts from AWS's documentation (docs.aws.amazon.com/autoscaling/ec2):
    A lifecycle hook holds an instance in Terminating:Wait for its heartbeat timeout, 30 to 7,200 seconds. Each
    heartbeat starts that time anew, but it cannot wait longer than 48 hours or 100 times the heartbeat timeout,
    whichever is smaller (userguide/lifecycle-hooks-overview.html; API_LifecycleHook.html, GlobalTimeout).
    Events are sent on a best-effort basis (userguide/ec2-auto-scaling-event-reference.html).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

HOOK_PREFIX: Final = "SnowWhite"
"""How the name of a lifecycle hook begins that Snow White serves; it leaves those of others alone."""
_NAME_PREFIX: Final = "drain-"
_INSTANCE_ID: Final = "i-[0-9a-f]{8,17}"
_UUID: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_EXECUTION_NAME: Final = re.compile(f"{_NAME_PREFIX}{_INSTANCE_ID}-{_UUID.pattern}", re.IGNORECASE)
_GROUP: Final = re.compile(r"[^\x00-\x1f]{1,255}")
_HOOK: Final = re.compile(rf"{HOOK_PREFIX}[A-Za-z0-9_/-]{{0,240}}")
_SHORTEST_HEARTBEAT, _LONGEST_HEARTBEAT = 30, 7_200  # seconds
_HEARTBEATS_A_TIMEOUT: Final = 3


@dataclass(frozen=True)
class HookTimes:
    """How long a lifecycle hook lets an instance wait: between two heartbeats, and at the most."""

    heartbeat: timedelta
    most: timedelta


class Notice(StrEnum):
    """What has said that the instance is about to end."""

    LIFECYCLE_ACTION = "lifecycle_action"
    SPOT_INTERRUPTION = "spot_interruption"
    REBALANCE_RECOMMENDATION = "rebalance_recommendation"

    @property
    def detail_type(self) -> str:
        """The detail type of its event."""
        return _DETAIL_TYPES[self]


_DETAIL_TYPES: Final = {
    Notice.LIFECYCLE_ACTION: "EC2 Instance-terminate Lifecycle Action",
    Notice.SPOT_INTERRUPTION: "EC2 Spot Instance Interruption Warning",
    Notice.REBALANCE_RECOMMENDATION: "EC2 Instance Rebalance Recommendation",
}


@dataclass(frozen=True)
class DrainPatterns:
    """The setting `drain_on_termination`: which instances are drained before they end; none by default.

    Attributes:
        environments: as in a request.
        auto_scaling_groups: names or globs.
    """

    environments: tuple[str, ...] = ()
    auto_scaling_groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class LifecycleAction:
    """One instance's wait in Terminating:Wait.

    Attributes:
        group: the name of the Auto Scaling group.
        hook: the name of the lifecycle hook.
        token: identifies this wait of this instance.
        heartbeat_seconds: the hook's heartbeat timeout.
    """

    group: str
    hook: str
    token: str
    heartbeat_seconds: int

    @property
    def heartbeat_every(self) -> timedelta:
        """A part of the timeout, so that a heartbeat may fail or be late."""
        return timedelta(seconds=self.heartbeat_seconds / _HEARTBEATS_A_TIMEOUT)


@dataclass(frozen=True)
class Termination:
    """Why the one instance of a request is about to end.

    `lifecycle_action`: what has to be told to Auto Scaling; None if nobody waits for the instance.
    """

    notice: Notice
    lifecycle_action: LifecycleAction | None = None

    @classmethod
    def read(cls, raw: object) -> Termination | None:
        """From a request's JSON; None for anything that Snow White does not write."""
        try:
            return _read(raw) if isinstance(raw, Mapping) else None
        except (KeyError, TypeError, ValueError):
            return None


def _read(raw: Mapping[str, Any]) -> Termination:
    notice, said = Notice(raw["notice"]), raw.get("lifecycle_action")
    if (notice is Notice.LIFECYCLE_ACTION) is (said is None):
        raise ValueError("a lifecycle action belongs to its notice")
    if said is None:
        return Termination(notice)
    action = LifecycleAction(said["group"], said["hook"], said["token"], int(said["heartbeat_seconds"]))
    known = (
        _GROUP.fullmatch(action.group)
        and _HOOK.fullmatch(action.hook)
        and _UUID.fullmatch(action.token)
        and _SHORTEST_HEARTBEAT <= action.heartbeat_seconds <= _LONGEST_HEARTBEAT
    )
    if not known:
        raise ValueError("not written by Snow White")
    return Termination(notice, action)


@dataclass(frozen=True)
class Heartbeats:
    """What Auto Scaling has said to the heartbeats of a run.

    Attributes:
        last_at: when it took the last one; None for none.
        failure: a sentence about the last one that it did not take; "" if it has taken one since.
        over: it knows no such action any more: somebody has completed it, or its time is over.
    """

    last_at: datetime | None = None
    failure: str = ""
    over: bool = False


@dataclass(frozen=True)
class Completion:
    """Whether the run has told Auto Scaling at its end that the instance may go.

    `failures`: sentences about this and the last heartbeat; empty if both succeeded.
    `over`: the action was over before: somebody else has completed it, or its time was over.
    """

    completed: bool = False
    over: bool = False
    failures: tuple[str, ...] = ()

    @property
    def instance_waits(self) -> bool:
        """Whether the instance stays until the hook's own time is over, because nobody has completed the action."""
        return not self.completed and not self.over


def execution_name(instance: str, id_: str) -> str:
    """The name of the run for an instance's termination: an event that comes twice starts no second one.

    `id_`: a UUID, of the lifecycle action or of the event.
    """
    return f"{_NAME_PREFIX}{instance}-{id_}"


def is_of_termination(name: str) -> bool:
    """Whether an execution of this name is the run for an instance's termination."""
    return _EXECUTION_NAME.fullmatch(name) is not None
