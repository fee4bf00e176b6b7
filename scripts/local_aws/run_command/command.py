"""One command and its invocations, with the counts and statuses that Run Command derives from them."""

import itertools
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from local_aws.agent.result import DocumentResult, service_details
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
UNFINISHED: Final = frozenset({"Pending", "InProgress", "Delayed", "Cancelling"})
"""The statuses, coarse or detailed, of what has not ended."""

_COUNTED_AS_ERROR: Final = frozenset({"Failed", "ExecutionTimedOut"})
_sequence = itertools.count(1)


def target_count(amount: str, total: int) -> int:
    """A number of targets from "7" or "20%" of `total`, rounded up."""
    return -(-total * int(amount[:-1]) // 100) if amount.endswith("%") else int(amount)


def coarse_status(details: str) -> str:
    """The Status that goes with an invocation's StatusDetails; whatever is not named otherwise is Failed."""
    return _STATUS_OF_DETAILS.get(details, "Failed")


@dataclass(eq=False)
class Invocation:
    """A command on one instance."""

    instance_id: str
    status_details: str = "Pending"
    result: DocumentResult | None = None
    started_at: float | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    sequence: int = field(default_factory=lambda: next(_sequence))

    @property
    def status(self) -> str:
        """The coarse status."""
        return coarse_status(self.status_details)

    @property
    def ended(self) -> bool:
        return self.status_details not in UNFINISHED

    @property
    def is_error(self) -> bool:
        """Whether it counts against MaxErrors."""
        return self.status_details in _COUNTED_AS_ERROR

    def finish(self, result: DocumentResult) -> None:
        """Take what the agent reports; its plain TimedOut is the service's ExecutionTimedOut."""
        self.result = result
        self.status_details = service_details(result)


@dataclass(eq=False)
class Command:
    """What SendCommand accepted, at `requested_at` seconds since the epoch. `lock` guards its mutable parts.

    `wait_scale` multiplies `delivery_seconds`, so that tests need not wait for half a minute.
    """

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
    requested_at: float
    wait_scale: float = 1.0
    command_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    sequence: int = field(default_factory=lambda: next(_sequence))
    cancel_requested: bool = False
    stopped_by_errors: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def delivery_deadline(self) -> float:
        """When an invocation must have started, in seconds since the epoch."""
        return self.requested_at + self.delivery_seconds * self.wait_scale

    @property
    def expires_at(self) -> float:
        """When an invocation that has not ended times out: time to start plus time to run."""
        return self.delivery_deadline + self.execution_seconds

    @property
    def step_names(self) -> list[str]:
        """The names of the document's steps, in their order."""
        return [str(step["name"]) for step in self.document.content["mainSteps"]]

    @property
    def concurrency(self) -> int:
        """How many invocations may run at once."""
        return max(1, target_count(self.max_concurrency, len(self.invocations)))

    @property
    def errors(self) -> int:
        return sum(each.is_error for each in self.invocations)

    @property
    def errors_allowed(self) -> int:
        """With more errors than these it is sent to no further instance."""
        return target_count(self.max_errors, len(self.invocations))

    @property
    def status_details(self) -> str:
        """The command's own status; no verdict on its invocations: with many errors allowed it is Success."""
        with self.lock:
            unfinished = [each for each in self.invocations if not each.ended]
            if unfinished:
                if self.cancel_requested:
                    return "Cancelling"
                untouched = len(unfinished) == len(self.invocations) and all(
                    each.status_details == "Pending" for each in unfinished
                )
                return "Pending" if untouched else "InProgress"
            if self.cancel_requested:
                return "Cancelled"
            if self.stopped_by_errors or (self.errors and self.errors >= self.errors_allowed):
                return "Failed"
            undelivered = sum(each.status_details == "DeliveryTimedOut" for each in self.invocations)
            if undelivered and undelivered >= self.errors_allowed:
                return "DeliveryTimedOut"
            return "Incomplete" if self.errors else "Success"

    @property
    def status(self) -> str:
        """The coarse status of the command. `Incomplete` has none of its own and reads Success."""
        details = self.status_details
        return "Success" if details == "Incomplete" else coarse_status(details)

    @property
    def ended(self) -> bool:
        return self.status_details not in UNFINISHED
