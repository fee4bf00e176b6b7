"""Runs as Step Functions shows them: starting one, stopping it, reading its state and its report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import islice
from typing import Any, Final

from snow_white.model.report import Report
from snow_white.model.run_so_far import RunSoFar
from snow_white_cli.reading import read

_LAST_STATE: Final = "NotifySlack"
_SUCCEEDED: Final = "SUCCEEDED"
_ENDED: Final = frozenset({_SUCCEEDED, "FAILED", "TIMED_OUT", "ABORTED"})
# The newest events are enough, and each may carry a whole run, so pages are small.
_EVENTS_PER_PAGE: Final = 20
_NEWEST_STATES: Final = 20


@dataclass(frozen=True)
class Ended:
    """A run that has ended.

    Attributes:
        status: SUCCEEDED only for a confirmed run; FAILED, TIMED_OUT or ABORTED.
        error, cause: the error's name and a sentence; None for a confirmed run.
        output: the report's JSON, unchanged; {} if the run ended before it had a report.
        so_far: how far the run was, as its newest state tells; empty for a run that succeeded.
    """

    status: str
    error: str | None
    cause: str | None
    output: Mapping[str, Any]
    so_far: RunSoFar = field(default_factory=RunSoFar)

    @cached_property
    def report(self) -> Report:
        """The report. It is empty, and confirms nothing, if the run ended before it had one."""
        return read(self.output, Report)


@dataclass(frozen=True)
class FollowedRun:
    """An execution of the state machine; `client` is a Step Functions client of its region."""

    client: Any
    arn: str

    @classmethod
    def start(
        cls, client: Any, state_machine_arn: str, request: object, name: str | None = None
    ) -> FollowedRun:
        """Start an execution with the request as its input; without a name, Step Functions generates one."""
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
        """The run with that name; the method does not check that it exists."""
        return cls(client, f"{state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}")

    def describe(self) -> Mapping[str, Any]:
        """The answer of DescribeExecution: status, startDate, stopDate, input, output, error, cause."""
        described: Mapping[str, Any] = self.client.describe_execution(executionArn=self.arn)
        return described

    def status(self) -> str:
        """RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED."""
        return str(self.describe()["status"])

    def has_ended(self) -> bool:
        return self.status() in _ENDED

    def stop(self, error: str, cause: str) -> None:
        """Stop the execution; does nothing if it has ended."""
        self.client.stop_execution(executionArn=self.arn, error=error, cause=cause)

    def newest_state(self) -> tuple[str, RunSoFar]:
        """The name of the state that exited last, and its output; ("", an empty run) before the first one."""
        name, state = next(self._exited_states(), ("", {}))
        return name, read(state, RunSoFar)

    def has_left(self, state: str) -> bool:
        """Whether the state has exited at least once."""
        return any(name == state for name, _ in self._exited_states())

    def end(self) -> Ended:
        """How the run ended. Only a success has an output, so every other report is read from the history."""
        described = self.describe()
        ended = partial(Ended, described["status"], described.get("error"), described.get("cause"))
        if described["status"] == _SUCCEEDED:
            return ended(json.loads(described["output"]))
        newest = list(islice(self._exited_states(), _NEWEST_STATES))
        output = next((run.get("report") for name, run in newest if name == _LAST_STATE), None)
        states = (read(run, RunSoFar) for _, run in newest)
        return ended(output or {}, next((one for one in states if one.may_have_sent), RunSoFar()))

    def _exited_states(self) -> Any:
        """(name, output) of each state that exited, the newest first."""
        pages = self.client.get_paginator("get_execution_history").paginate(
            executionArn=self.arn, reverseOrder=True, PaginationConfig={"PageSize": _EVENTS_PER_PAGE}
        )
        for page in pages:
            for event in page["events"]:
                details = event.get("stateExitedEventDetails")
                if details:
                    yield details["name"], json.loads(details["output"])
