"""A state machine that answers what a test tells it to, and a clock that only moves when somebody waits."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from botocore.exceptions import ClientError

from snow_white_cli.access import Access
from snow_white_cli.news import News

ARN: Final = "arn:aws:states:us-east-1:111122223333:execution:SnowWhite:quiet-backups-1"
START: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
REPORT: Final = {"result": "confirmed", "counts": {"quiet": 2}, "duration_seconds": 90, "problems": []}


def refusal(code: str, status: int = 400) -> ClientError:
    """What boto3 raises for an error of that name."""
    return ClientError(
        {"Error": {"Code": code, "Message": "so it is"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "DescribeExecution",
    )


@dataclass
class FakeClient:
    """Answers DescribeExecution with one of `answers` after the other: an error, or the execution's status."""

    answers: Sequence[Exception | str]
    confirmed: int = 0
    _asked: int = 0

    def describe_execution(self, **_: str) -> dict[str, Any]:
        answer = self.answers[self._asked]
        self._asked += 1
        if isinstance(answer, Exception):
            raise answer
        described = {"status": answer, "startDate": START, "input": "{}"}
        return described | ({"output": json.dumps(REPORT)} if answer == "SUCCEEDED" else {})

    def get_paginator(self, _: str) -> FakeClient:
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        self.confirmed += 1
        run = {
            "request": {"timeout_seconds": 7200},
            "dispatched_at": START.isoformat(),
            "progress": {"confirmed": self.confirmed, "instances": 40},
        }
        event = {"stateExitedEventDetails": {"name": "PollCommand", "output": json.dumps(run)}}
        yield {"events": [event]}


@dataclass
class FakeAccess(Access):
    """Hands out `fake`; `renewals` counts how often credentials were to be read anew."""

    fake: FakeClient = field(default_factory=lambda: FakeClient([]))
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
class Paper:
    """A view that keeps what is shown and said."""

    shown: list[News] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def show(self, news: News) -> None:
        self.shown.append(news)

    def say(self, words: str) -> None:
        self.said.append(words)


@dataclass
class Time:
    """`waits` are the seconds of every sleep."""

    waits: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    def monotonic(self) -> float:
        return sum(self.waits)

    def now(self) -> datetime:
        return START + timedelta(seconds=sum(self.waits))
