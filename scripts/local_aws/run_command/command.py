"""One command and its invocations, with the counts and statuses that Run Command derives from them."""

import itertools
import threading
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
"""Whatever is not in it is Failed."""

UNFINISHED: Final = frozenset({"Pending", "InProgress", "Delayed", "Cancelling"})
"""The statuses, coarse or detailed, of what has not ended."""

COUNTED_AS_COMPLETED: Final = frozenset(
    {"Success", "Failed", "ExecutionTimedOut", "DeliveryTimedOut", "Cancelled", "Terminated", "Undeliverable"}
)
"""What CompletedCount counts, by the API reference: it names neither InvalidPlatform nor AccessDenied."""

_COUNTED_AS_ERROR: Final = frozenset({"Failed", "ExecutionTimedOut"})
_NOT_ATTEMPTED: Final = frozenset({"Undeliverable", "InvalidPlatform", "AccessDenied"})
"""Ends that count neither as an error nor for whether the command reads Success or Incomplete."""

_sequence = itertools.count(1)


def target_count(amount: str, total: int) -> int:
    """A number of targets from "7" or "20%" of `total`, rounded up."""
    return -(-total * int(amount[:-1]) // 100) if amount.endswith("%") else int(amount)


def coarse_status(details: str) -> str:
    """The Status that goes with an invocation's StatusDetails."""
    return _STATUS_OF_DETAILS.get(details, "Failed")


@dataclass(frozen=True)
class InvocationState:
    """What the service knows of an invocation from a moment on, in seconds since the epoch."""

    status_details: str
    since: float = 0.0
    started_at: float | None = None
    result: DocumentResult | None = None

    @property
    def status(self) -> str:
        """The coarse status."""
        return coarse_status(self.status_details)


@dataclass(eq=False)
class Invocation:
    """A command on one instance, with all states that it had; `was_sent` to the agent, which may have lost it."""

    instance_id: str
    states: list[InvocationState] = field(default_factory=lambda: [InvocationState("Pending")])
    was_sent: bool = False
    cancelled: threading.Event = field(default_factory=threading.Event)
    sequence: int = field(default_factory=lambda: next(_sequence))

    @property
    def state(self) -> InvocationState:
        """What it is now."""
        return self.states[-1]

    def state_at(self, moment: float) -> InvocationState:
        """What it was at the moment, as a list shows it that lags behind."""
        return next((each for each in reversed(self.states) if each.since <= moment), self.states[0])

    def become(self, status_details: str, now: float) -> None:
        """Change its status."""
        self.states.append(replace(self.state, status_details=status_details, since=now))

    def start(self, now: float) -> None:
        """The agent begins to run it."""
        self.states.append(replace(self.state, started_at=now, since=now))

    def finish(self, result: DocumentResult, now: float) -> None:
        """Take what the agent reports; its plain TimedOut is the service's ExecutionTimedOut."""
        details = service_details(result)
        self.states.append(replace(self.state, status_details=details, result=result, since=now))

    @property
    def status_details(self) -> str:
        return self.state.status_details

    @property
    def is_running(self) -> bool:
        """Whether the agent has begun to run it."""
        return self.state.started_at is not None

    @property
    def ended(self) -> bool:
        return self.status_details not in UNFINISHED

    @property
    def is_error(self) -> bool:
        """Whether it counts against MaxErrors."""
        return self.status_details in _COUNTED_AS_ERROR


@dataclass(eq=False)
class Command:
    """What SendCommand accepted, at `requested_at` seconds since the epoch. `lock` guards its mutable parts.

    `wait_scale` multiplies the time that the service waits for an agent, so that tests need not wait for hours.
    `refusal` is the StatusDetails of a command that the service itself ended before it reached any instance.
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
    refusal: str | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def delivery_deadline(self) -> float:
        """When an invocation that no agent took times out, in seconds since the epoch.

        The service waits for the sum of TimeoutSeconds and the document's execution timeout, not for the first alone.
        """
        return self.requested_at + (self.delivery_seconds + self.execution_seconds) * self.wait_scale

    @property
    def expires_at(self) -> float:
        """When an invocation that was sent and has not ended times out; the time to run is not scaled."""
        return self.requested_at + self.delivery_seconds * self.wait_scale + self.execution_seconds

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
            return self._details_at_the_end()

    def _details_at_the_end(self) -> str:
        if self.refusal is not None:
            return self.refusal
        if self.cancel_requested:
            return "Cancelled"
        counts = Counter(each.status_details for each in self.invocations)
        enough = max(1, self.errors_allowed)
        for details in ("Failed", "ExecutionTimedOut", "DeliveryTimedOut"):
            if counts[details] >= enough:
                return details
        attempted = [each for each in self.invocations if each.status_details not in _NOT_ATTEMPTED]
        if self.stopped_by_errors or self.errors >= enough or not attempted:
            return "Failed"
        return "Success" if all(each.status_details == "Success" for each in attempted) else "Incomplete"

    @property
    def status(self) -> str:
        """The coarse status of the command. `Incomplete` has none of its own and reads Success."""
        details = self.status_details
        return "Success" if details == "Incomplete" else coarse_status(details)

    @property
    def ended(self) -> bool:
        return self.status_details not in UNFINISHED
