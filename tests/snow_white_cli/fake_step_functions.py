"""Fakes for following a run: Step Functions with prepared answers, a display that records, a clock."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from botocore.exceptions import ClientError

from snow_white_cli.access import Access
from snow_white_cli.showing.progress import RunProgress
from tests.fake_client import FakeClient

ARN: Final = "arn:aws:states:us-east-1:111122223333:execution:SnowWhite:quiet-backups-1"
MACHINE: Final = "arn:aws:states:us-east-1:111122223333:stateMachine:SnowWhite"
START: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
REPORT: Final = {"result": "confirmed", "counts": {"quiet": 2}, "duration_seconds": 90, "problems": []}


def refusal(code: str, status: int = 400) -> ClientError:
    """What boto3 raises for an error with that code."""
    return ClientError(
        {"Error": {"Code": code, "Message": "the message"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "DescribeExecution",
    )


@dataclass
class FakeStepFunctions(FakeClient, services=("stepfunctions",)):
    """Answers each DescribeExecution with the next of `answers`: an error to raise, or the execution's status.

    `state`: keys of the run beside its progress.
    """

    answers: Sequence[Exception | str]
    state: Mapping[str, Any] = field(default_factory=dict)
    confirmed: int = 0
    names: Sequence[str] = ()
    _asked: int = 0

    def list_executions(self, **_: Any) -> dict[str, Any]:
        row = {"stateMachineArn": MACHINE, "status": "RUNNING", "startDate": START}
        arns = {name: f"{ARN.rpartition(':')[0]}:{name}" for name in self.names}
        return {"executions": [{"executionArn": arn, "name": name, **row} for name, arn in arns.items()]}

    def describe_execution(self, **_: str) -> dict[str, Any]:
        answer = self.answers[self._asked]
        self._asked += 1
        if isinstance(answer, Exception):
            raise answer
        described = {
            "executionArn": ARN,
            "stateMachineArn": MACHINE,
            "status": answer,
            "startDate": START,
            "input": "{}",
        }
        return described | ({"output": json.dumps(REPORT)} if answer == "SUCCEEDED" else {})

    def get_execution_history(self, **_: Any) -> dict[str, Any]:
        self.confirmed += 1
        run = {
            "request": {"timeout_seconds": 7200},
            "dispatched_at": START.isoformat(),
            "progress": {"confirmed": self.confirmed, "instances": 40},
            **self.state,
        }
        event = {
            "timestamp": START,
            "type": "TaskStateExited",
            "id": 7,
            "stateExitedEventDetails": {"name": "PollCommand", "output": json.dumps(run)},
        }
        return {"events": [event]}


@dataclass
class FakeAccess(Access):
    """Hands out `fake`; `renewals` counts how often the credentials were to be read again."""

    fake: FakeClient = field(default_factory=lambda: FakeStepFunctions([]))
    renewable: bool = True
    renewals: int = 0

    def client(self, _: str) -> Any:
        return self.fake

    def renew(self) -> None:
        self.renewals += 1

    @property
    def can_be_renewed(self) -> bool:
        return self.renewable


@dataclass
class RecordingDisplay:
    """Records the progress and the messages that it gets."""

    shown: list[RunProgress] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def show(self, progress: RunProgress) -> None:
        self.shown.append(progress)

    def print_message(self, message: str) -> None:
        self.messages.append(message)


@dataclass
class FakeClock:
    """A clock that moves only when somebody sleeps. `sleeps` are the seconds of each sleep."""

    sleeps: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)

    def monotonic(self) -> float:
        return sum(self.sleeps)

    def now(self) -> datetime:
        return START + timedelta(seconds=sum(self.sleeps))
