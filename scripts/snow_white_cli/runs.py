"""Runs of Snow White seen from outside: starting one, following it, reading its report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, Final

from snow_white.model.report import Report
from snow_white.model.run_so_far import RunSoFar
from snow_white.model.serialisation import from_json

_LAST_STATE: Final = "NotifySlack"
_ENDED: Final = frozenset({"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"})
# What is looked for is among the newest events; each may carry a whole run.
_EVENTS_A_PAGE: Final = 20
_STATES_AT_THE_END: Final = 20


@dataclass(frozen=True)
class Ended:
    """A run at its end.

    Attributes:
        status: SUCCEEDED only for a confirmed run; FAILED, TIMED_OUT or ABORTED.
        error, cause: the error's name and a sentence; None for a confirmed run.
        output: the report's JSON as it came; {} when the run died before it had one.
    """

    status: str
    error: str | None
    cause: str | None
    output: Mapping[str, Any]

    @cached_property
    def report(self) -> Report:
        """The report; an empty one, which confirms nothing, when the run died before it had one."""
        return from_json(self.output, Report)


@dataclass(frozen=True)
class FollowedRun:
    """An execution of the state machine; `client` is a Step Functions client of its region."""

    client: Any
    arn: str

    @classmethod
    def start(
        cls, client: Any, state_machine_arn: str, request: object, name: str | None = None
    ) -> FollowedRun:
        """Start an execution with the request as its input; a name is made up when none is given."""
        started = client.start_execution(
            stateMachineArn=state_machine_arn,
            input=json.dumps(request),
            **({"name": name} if name else {}),
        )
        return cls(client, started["executionArn"])

    @cached_property
    def name(self) -> str:
        return self.arn.rpartition(":")[2]

    @classmethod
    def of_name(cls, client: Any, state_machine_arn: str, name: str) -> FollowedRun:
        """The run of that name, whether or not there is one."""
        return cls(client, f"{state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}")

    def describe(self) -> Mapping[str, Any]:
        """What DescribeExecution says: status, startDate, stopDate, input, output, error, cause."""
        described: Mapping[str, Any] = self.client.describe_execution(executionArn=self.arn)
        return described

    def status(self) -> str:
        """RUNNING, or how it ended."""
        return str(self.describe()["status"])

    def has_ended(self) -> bool:
        return self.status() in _ENDED

    def stop(self, error: str, cause: str) -> None:
        """Stop the execution; harmless for one that has ended."""
        self.client.stop_execution(executionArn=self.arn, error=error, cause=cause)

    def newest_state(self) -> tuple[str, RunSoFar]:
        """The name of the state that was left last, and the run as that state left it; ("", an empty one) before."""
        name, state = next(self._left_states(), ("", {}))
        return name, from_json(state, RunSoFar)

    def has_left(self, state: str) -> bool:
        """Whether the state of that name has been left at least once."""
        return any(name == state for name, _ in self._left_states())

    def end(self) -> Ended:
        """What became of a run that has ended. A failed execution has no output: its report is in its history."""
        described = self.describe()
        if described.get("output"):
            output = json.loads(described["output"])
        else:
            newest = islice(self._left_states(), _STATES_AT_THE_END)
            output = next((run.get("report") for name, run in newest if name == _LAST_STATE), None)
        return Ended(described["status"], described.get("error"), described.get("cause"), output or {})

    def _left_states(self) -> Any:
        """(name, output) of the states that were left, the newest first."""
        pages = self.client.get_paginator("get_execution_history").paginate(
            executionArn=self.arn, reverseOrder=True, PaginationConfig={"PageSize": _EVENTS_A_PAGE}
        )
        for page in pages:
            for event in page["events"]:
                details = event.get("stateExitedEventDetails")
                if details:
                    yield details["name"], json.loads(details["output"])
