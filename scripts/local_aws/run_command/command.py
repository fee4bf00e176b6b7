"""One command and its invocations, with the numbers and statuses that Run Command shows of them."""

import itertools
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from local_aws.agent.result import Result, service_details, shortened_output
from local_aws.run_command.documents import DocumentVersion

_STATUS_OF_DETAILS: Final = {
    "Pending": "Pending",
    "InProgress": "InProgress",
    "Delayed": "Delayed",
    "Cancelling": "Cancelling",
    "Success": "Success",
    "Cancelled": "Cancelled",
    "ExecutionTimedOut": "TimedOut",
    "DeliveryTimedOut": "TimedOut",
}
_IN_PROGRESS: Final = frozenset({"Pending", "InProgress", "Delayed", "Cancelling"})
_COUNTED_AS_ERROR: Final = frozenset({"Failed", "ExecutionTimedOut"})
_sequence = itertools.count(1)


def share(amount: str, total: int) -> int:
    """A number of targets from "7" or "20%" of `total`, rounded up to at least 1 unless it is 0."""
    return -(-total * int(amount[:-1]) // 100) if amount.endswith("%") else int(amount)


@dataclass(eq=False)
class Invocation:
    """A command on one instance."""

    instance_id: str
    status_details: str = "Pending"
    result: Result | None = None
    started_at: float | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    sequence: int = field(default_factory=lambda: next(_sequence))

    @property
    def status(self) -> str:
        """The coarse status; everything that is neither going on nor named otherwise is Failed."""
        return _STATUS_OF_DETAILS.get(self.status_details, "Failed")

    @property
    def ended(self) -> bool:
        return self.status_details not in _IN_PROGRESS

    @property
    def is_error(self) -> bool:
        """Whether it counts against MaxErrors."""
        return self.status_details in _COUNTED_AS_ERROR

    def finish(self, result: Result) -> None:
        """Take what the agent reports; its plain TimedOut is the service's ExecutionTimedOut."""
        self.result = result
        self.status_details = service_details(result)

    def plugin(self, step: str) -> dict[str, Any]:
        """The CommandPlugin of the document's step, complete only once everything has ended."""
        shown: dict[str, Any] = {
            "Name": step,
            "Status": self.status,
            "StatusDetails": self.status_details,
            "ResponseCode": -1,
            "Output": "",
            "StandardOutputUrl": "",
            "StandardErrorUrl": "",
            "OutputS3Region": "",
            "OutputS3BucketName": "",
            "OutputS3KeyPrefix": "",
        }
        if self.started_at is not None:
            shown["ResponseStartDateTime"] = self.started_at
        for outcome in self.result.steps if self.result else ():
            if outcome.name in (step, ""):
                shown["Status"] = _STATUS_OF_DETAILS.get(service_details(outcome), "Failed")
                shown["StatusDetails"] = service_details(outcome)
                shown["ResponseCode"] = outcome.response_code
                shown["Output"] = shortened_output(outcome.stdout, outcome.stderr)
                shown["ResponseStartDateTime"] = outcome.started_at.timestamp()
                shown["ResponseFinishDateTime"] = outcome.ended_at.timestamp()
        return shown


@dataclass(eq=False)
class Command:
    """What SendCommand accepted. Its mutable parts are guarded by `lock`."""

    region: str
    document: DocumentVersion
    document_version: str
    parameters: Mapping[str, list[str] | str]
    given_parameters: Mapping[str, list[str]]
    comment: str
    delivery_seconds: int
    execution_seconds: int
    max_concurrency: str
    max_errors: str
    invocations: list[Invocation]
    waiting_factor: float = 1.0
    """What a second of delivery time is worth here: tests do not wait half a minute."""
    command_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    requested_at: float = field(default_factory=time.time)
    sequence: int = field(default_factory=lambda: next(_sequence))
    cancel_requested: bool = False
    stopped_by_errors: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def delivery_deadline(self) -> float:
        """When an invocation must have started, in seconds since the epoch."""
        return self.requested_at + self.delivery_seconds * self.waiting_factor

    @property
    def expires_at(self) -> float:
        """When whatever has not ended is given up: time to start plus time to run."""
        return self.delivery_deadline + self.execution_seconds

    @property
    def concurrency(self) -> int:
        """How many invocations may go on at once."""
        return max(1, share(self.max_concurrency, len(self.invocations)))

    @property
    def errors(self) -> int:
        return sum(each.is_error for each in self.invocations)

    @property
    def errors_allowed(self) -> int:
        """How many errors do not yet stop it from being sent to further instances."""
        return share(self.max_errors, len(self.invocations))

    @property
    def status_details(self) -> str:
        """The command's own status. As on AWS it is no verdict: with many errors allowed it reads Success."""
        with self.lock:
            going_on = [each for each in self.invocations if not each.ended]
            if going_on:
                if self.cancel_requested:
                    return "Cancelling"
                untouched = len(going_on) == len(self.invocations) and all(
                    each.status_details == "Pending" for each in going_on
                )
                return "Pending" if untouched else "InProgress"
            if self.cancel_requested:
                return "Cancelled"
            if self.stopped_by_errors or (self.errors and self.errors >= self.errors_allowed):
                return "Failed"
            late = sum(each.status_details == "DeliveryTimedOut" for each in self.invocations)
            if late and late >= self.errors_allowed:
                return "DeliveryTimedOut"
            return "Incomplete" if self.errors else "Success"

    @property
    def status(self) -> str:
        """The coarse status of the command. `Incomplete` has none of its own and reads Success."""
        details = self.status_details
        return "Success" if details == "Incomplete" else _STATUS_OF_DETAILS.get(details, "Failed")

    @property
    def ended(self) -> bool:
        return self.status_details not in _IN_PROGRESS

    def shown(self) -> dict[str, Any]:
        """The Command of SendCommand and ListCommands."""
        with self.lock:
            ended = [each for each in self.invocations if each.ended]
            return {
                "CommandId": self.command_id,
                "DocumentName": self.document.name,
                "DocumentVersion": self.document_version,
                "Comment": self.comment,
                "ExpiresAfter": self.expires_at,
                "Parameters": self.given_parameters,
                "InstanceIds": [each.instance_id for each in self.invocations],
                "Targets": [],
                "RequestedDateTime": self.requested_at,
                "Status": self.status,
                "StatusDetails": self.status_details,
                "OutputS3Region": self.region,
                "OutputS3BucketName": "",
                "OutputS3KeyPrefix": "",
                "MaxConcurrency": self.max_concurrency,
                "MaxErrors": self.max_errors,
                "TargetCount": len(self.invocations),
                "CompletedCount": len(ended),
                "ErrorCount": self.errors,
                "DeliveryTimedOutCount": sum(each.status_details == "DeliveryTimedOut" for each in ended),
                "ServiceRole": "",
                "NotificationConfig": {
                    "NotificationArn": "",
                    "NotificationEvents": [],
                    "NotificationType": "",
                },
                "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": False},
                "TimeoutSeconds": self.delivery_seconds,
            }

    def shown_invocation(self, invocation: Invocation, details: bool) -> dict[str, Any]:
        """The CommandInvocation of ListCommandInvocations, with its plugins if `details`."""
        with self.lock:
            steps = [str(step["name"]) for step in self.document.content["mainSteps"]]
            return {
                "CommandId": self.command_id,
                "InstanceId": invocation.instance_id,
                "InstanceName": "",
                "Comment": self.comment,
                "DocumentName": self.document.name,
                "DocumentVersion": self.document_version,
                "RequestedDateTime": self.requested_at,
                "Status": invocation.status,
                "StatusDetails": invocation.status_details,
                "StandardOutputUrl": "",
                "StandardErrorUrl": "",
                "CommandPlugins": [invocation.plugin(step) for step in steps] if details else [],
                "ServiceRole": "",
                "NotificationConfig": {
                    "NotificationArn": "",
                    "NotificationEvents": [],
                    "NotificationType": "",
                },
                "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": False},
            }

    def described_invocation(self, invocation: Invocation) -> dict[str, Any]:
        """The answer of GetCommandInvocation, whose outputs are longer and whose times are texts."""
        with self.lock:
            result = invocation.result
            started = _text(result.started_at) if result else ""
            return {
                "CommandId": self.command_id,
                "InstanceId": invocation.instance_id,
                "Comment": self.comment,
                "DocumentName": self.document.name,
                "DocumentVersion": self.document_version,
                "PluginName": str(self.document.content["mainSteps"][0]["name"]),
                "ResponseCode": result.response_code if result else -1,
                "ExecutionStartDateTime": started,
                "ExecutionEndDateTime": _text(result.ended_at) if result else "",
                "Status": invocation.status,
                "StatusDetails": invocation.status_details,
                "StandardOutputContent": result.stdout[:24000] if result else "",
                "StandardOutputUrl": "",
                "StandardErrorContent": result.stderr[:8000] if result else "",
                "StandardErrorUrl": "",
            }


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
