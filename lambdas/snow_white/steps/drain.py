"""What begins a run for an instance's termination: an event of Auto Scaling or EC2, and the request made of it.

Facts from AWS's documentation:
    The event of a lifecycle action has the group, the hook, the instance and the token
    (docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-event-reference.html).
    A rebalance recommendation may come long before that, and the instance may live on: EC2 only says that the risk is
    higher (docs.aws.amazon.com/AWSEC2/latest/UserGuide/rebalance-recommendations.html).
    EC2 warns two minutes before it interrupts a Spot Instance
    (docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from snow_white.aws import lifecycle_actions
from snow_white.aws.environments import matches
from snow_white.aws.instances import tags_of
from snow_white.aws.regions import Regions
from snow_white.model.action import Action
from snow_white.model.durations import MAX_TIMEOUT_SECONDS, MIN_TIMEOUT_SECONDS
from snow_white.model.fleet import ENVIRONMENT_NAME_TAG, GROUP_NAME_TAG
from snow_white.model.globs import is_matched
from snow_white.model.termination import (
    DrainPatterns,
    HookTimes,
    LifecycleAction,
    Notice,
    Termination,
    execution_name,
)

_BETWEEN_WARNING_AND_END: Final = timedelta(seconds=120)
_KEPT_FOR_THE_END: Final = timedelta(minutes=5)
"""Of the time that Auto Scaling waits, what is left for the last answers and for letting the instance go."""
_KEPT_OF_A_WARNING: Final = timedelta(seconds=20)
_AFTER_RECOMMENDATION: Final = timedelta(hours=1)
"""How long an instance drains, and sleeps if it lives on, when EC2 recommends to replace it."""


@dataclass(frozen=True)
class TerminationEvent:
    """An event that says that an instance is about to end.

    Attributes:
        id: a UUID, the same for an event that comes twice.
        group, hook, token: of the lifecycle action; "" for the other events.
    """

    notice: Notice
    id: str
    instance: str
    region: str
    at: datetime
    group: str = ""
    hook: str = ""
    token: str = ""

    @classmethod
    def read(cls, event: Mapping[str, Any]) -> TerminationEvent:
        """From EventBridge's JSON; raises KeyError or ValueError for an event that is none of the three."""
        notice = _NOTICES[event["detail-type"]]
        detail, at = event["detail"], datetime.fromisoformat(event["time"])
        if notice is not Notice.LIFECYCLE_ACTION:
            return cls(notice, event["id"], detail["instance-id"], event["region"], at)
        return cls(
            notice,
            event["id"],
            detail["EC2InstanceId"],
            event["region"],
            at,
            detail["AutoScalingGroupName"],
            detail["LifecycleHookName"],
            detail["LifecycleActionToken"],
        )

    @property
    def execution_name(self) -> str:
        """The name of the run that it starts."""
        return execution_name(self.instance, self.token or self.id)


_NOTICES: Final = {notice.detail_type: notice for notice in Notice}
_BY_WHOM: Final = {
    Notice.LIFECYCLE_ACTION: "Amazon EC2 Auto Scaling (termination in {group})",
    Notice.SPOT_INTERRUPTION: "Amazon EC2 (Spot interruption)",
    Notice.REBALANCE_RECOMMENDATION: "Amazon EC2 (rebalance recommendation)",
}


def request_for(
    event: TerminationEvent, regions: Regions, patterns: DrainPatterns, now: datetime
) -> dict[str, Any] | None:
    """The request of the run for the instance; None if the patterns do not mean it, or nobody waits for it any more."""
    selected = _selection(tags_of(regions.ec2(event.region), event.instance), patterns)
    if selected is None:
        return None
    times = None
    if event.notice is Notice.LIFECYCLE_ACTION:
        times = lifecycle_actions.hook_times(regions.auto_scaling(event.region), event.group, event.hook)
        if times is None:
            return None
    return _request(event, selected, times, now)


def _selection(tags: Mapping[str, str], patterns: DrainPatterns) -> dict[str, Any] | None:
    """The keys of a request that select the instance with these tags; None if the patterns do not mean it."""
    environment, group = tags.get(ENVIRONMENT_NAME_TAG, ""), tags.get(GROUP_NAME_TAG, "")
    if environment and matches(environment, patterns.environments):
        return {"tags": {ENVIRONMENT_NAME_TAG: [environment]}}
    if group and is_matched(group, patterns.auto_scaling_groups):
        return {"auto_scaling_groups": [group]}
    return None


def _request(
    event: TerminationEvent, selected: Mapping[str, Any], times: HookTimes | None, now: datetime
) -> dict[str, Any]:
    """The request of the run.

    Args:
        selected: the keys that select the instance.
        times: of the lifecycle hook; None if there is none.
    """
    action = None
    if times is not None:
        seconds = int(times.heartbeat.total_seconds())
        action = LifecycleAction(event.group, event.hook, event.token, seconds)
    if event.notice is Notice.REBALANCE_RECOMMENDATION:
        seconds = int(_AFTER_RECOMMENDATION.total_seconds())
        time = {"timeout_seconds": seconds, "wake_after_seconds": seconds}
    else:
        time = {"timeout_seconds": _timeout(times, now - event.at)}
    return {
        "action": Action.QUIET.value,
        **selected,
        "instances": [event.instance],
        "regions": [event.region],
        **time,
        "requested_by": _BY_WHOM[event.notice].format(group=event.group)[:256],
        "termination": asdict(Termination(event.notice, action)),
    }


def _timeout(times: HookTimes | None, passed: timedelta) -> int:
    left = (
        _BETWEEN_WARNING_AND_END - _KEPT_OF_A_WARNING
        if times is None
        else times.most - min(_KEPT_FOR_THE_END, times.most / 10)
    )
    seconds = int((left - passed).total_seconds())
    return max(MIN_TIMEOUT_SECONDS, min(seconds, MAX_TIMEOUT_SECONDS))
