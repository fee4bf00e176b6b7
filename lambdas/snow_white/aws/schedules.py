"""One-time schedules of EventBridge Scheduler, each of which starts one run of Snow White.

Facts from AWS's documentation (docs.aws.amazon.com/scheduler/latest):
    A one-time schedule is at(yyyy-mm-ddThh:mm:ss), and is precise to a minute (UserGuide/schedule-types.html).
    A name has up to 64 letters, digits, hyphens, underscores and points, and is unique in its group
    (APIReference/API_CreateSchedule.html). With ActionAfterCompletion DELETE a schedule is deleted when its target was
    invoked, or when all retries have failed (UserGuide/managing-schedule-delete.html).
    Retries go on for up to 86,400 seconds and 185 attempts (APIReference/API_RetryPolicy.html). What is given up
    after that is counted in the metric InvocationDroppedCount.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from botocore.exceptions import ClientError

from snow_white.aws.errors import UnreadableAnswer, call_failed, code_of
from snow_white.model.run import Execution
from snow_white.model.selection import selection
from snow_white.model.stated_request import StatedRequest

_MISSING: Final = "ResourceNotFoundException"
_TAKEN: Final = "ConflictException"
_RETRY_SECONDS: Final = 86_400
"""A wake that is late is better than none."""
_MAX_REASON: Final = 200


class SchedulerClient(Protocol):
    """The part of boto3's client that is used."""

    def create_schedule(self, **given: Any) -> Any: ...

    def update_schedule(self, **given: Any) -> Any: ...

    def get_schedule(self, *, Name: str, GroupName: str) -> Any: ...

    def delete_schedule(self, *, Name: str, GroupName: str) -> Any: ...


@dataclass(frozen=True)
class Schedules:
    """The schedules in one group, all of which start the same state machine with the same role.

    A schedule belongs to the run that its input names in `owner_key`, or there in "run". An older run never changes
    that of a newer one.
    """

    client: SchedulerClient
    group: str
    role_arn: str
    owner_key: str

    def put(self, name: str, at: datetime, request: Mapping[str, Any], execution: Execution) -> str:
        """Make the schedule, or replace an older run's; "" or a sentence that says why it could not be done.

        Args:
            at: a whole minute.
            request: what the run is started with.
            execution: the run that it belongs to; the machine is the same.
        """
        machine = execution.arn.replace(":execution:", ":stateMachine:").rpartition(":")[0]
        target = {
            "Arn": machine,
            "RoleArn": self.role_arn,
            "Input": json.dumps(request, sort_keys=True),
            "RetryPolicy": {"MaximumEventAgeInSeconds": _RETRY_SECONDS, "MaximumRetryAttempts": 185},
        }
        given: Any = {
            "Name": name,
            "GroupName": self.group,
            "ScheduleExpression": f"at({at.astimezone(UTC):%Y-%m-%dT%H:%M:%S})",
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "ActionAfterCompletion": "DELETE",
            "Description": f"For the run {execution.name} of Snow White",
            "Target": target,
        }
        if not self.group:
            return "The environment variable SCHEDULE_GROUP is missing."
        try:
            self._create_or_replace(given, execution)
        except Exception as error:
            if not call_failed(error):
                raise
            return f"EventBridge Scheduler did not take the schedule: {str(error)[:_MAX_REASON]}"
        return ""

    def withdraw(self, name: str, execution: Execution) -> str:
        """Delete the schedule unless it belongs to a newer run; "" or a sentence that says why it could not be done."""
        if not self.group:
            return "The environment variable SCHEDULE_GROUP is missing."
        try:
            if not self._is_newer(name, execution):
                self.client.delete_schedule(Name=name, GroupName=self.group)
        except Exception as error:
            if not call_failed(error):
                raise
            if isinstance(error, ClientError) and code_of(error) == _MISSING:
                return ""
            return f"EventBridge Scheduler did not delete the schedule: {str(error)[:_MAX_REASON]}"
        return ""

    def _create_or_replace(self, given: Any, execution: Execution) -> None:
        try:
            answer = self.client.create_schedule(**given)
        except ClientError as error:
            if code_of(error) != _TAKEN:
                raise
            if self._is_newer(given["Name"], execution):
                return
            answer = self.client.update_schedule(**given)
        # botocore reads a page of HTML as an answer without content.
        if not answer.get("ScheduleArn"):
            raise UnreadableAnswer("the answer has no schedule's ARN, so it is not from AWS")

    def _is_newer(self, name: str, execution: Execution) -> bool:
        """Whether the schedule belongs to a run that began later than this one."""
        found = self.client.get_schedule(Name=name, GroupName=self.group)
        try:
            owner = json.loads(found["Target"].get("Input", "{}"))[self.owner_key]
            run = str(owner["run"] if isinstance(owner, dict) else owner)
            return int(run.partition(" ")[0]) > int(execution.started_at.timestamp())
        except (ValueError, TypeError, KeyError):
            return False


def fleet_key(request: StatedRequest) -> str:
    """The same for every request of the same fleet, whatever the order of its names: 32 letters and digits."""
    named = json.dumps(_sorted(selection(request)), sort_keys=True)
    return hashlib.sha256(named.encode()).hexdigest()[:32]


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(one) for key, one in value.items()}
    return sorted(value) if isinstance(value, list) else value
