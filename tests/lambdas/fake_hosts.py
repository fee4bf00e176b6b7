"""Worker hosts in memory: what each answers to the commands that a fake cloud delivers, and when."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

LONG_AGO: Final = datetime(2026, 2, 26, 9, 0, tzinfo=UTC)  # some days before the fake cloud's time begins


@dataclass(frozen=True)
class Answer:
    """How an instance ends a command: after so many seconds, with this status, exit code and output."""

    after: float = 20.0
    status: str = "Success"
    exit_code: int = 0
    output: str | None = None


def says(
    result: str, *, message: str = "", processes: list[dict[str, Any]] | None = None, **more: object
) -> str:
    return json.dumps(
        {"result": result, "message": message, "processes": processes or [], "omitted": 0, **more}
    )


QUIET_PROCESS: Final[dict[str, Any]] = {
    "pid": 4242,
    "tag": "shop",
    "busy": 0,
    "state": "quiet",
    "supervisor": "unit",
}


def quieted(after: float) -> Answer:
    """Confirmed after so many seconds, with the process that rests: only such a host is rechecked."""
    return Answer(after, output=says("quiet", took=int(after), processes=[QUIET_PROCESS]))


def rests(
    processes: list[dict[str, Any]], *, message: str = "", at_work: str = "none", **more: object
) -> str:
    """What a host answers to a recheck while it rests."""
    return says("reported", message=message, processes=processes, took=14, at_work=at_work, **more)


@dataclass
class FakeInstance:
    id: str
    environment_id: str
    state: str = "running"
    managed: bool = True
    launched_at: datetime = LONG_AGO
    refused: bool = False  # SendCommand answers InvalidInstanceId
    answers: list[Answer] = field(default_factory=list)  # one a command; the last one stays
    received: int = 0
    # One a recheck; the last one stays. Without any it answers that nothing has changed since its last answer.
    recheck_answers: list[Answer] = field(default_factory=list)
    rechecked: int = 0
    last_output: str = ""
    without_command: bool = False  # its last command was lost on the way
    jobs: int = 0  # what it says of them when it is asked beside another command
    silent: bool = False  # it does not answer then
    loses: int = 0  # so many commands never reach it, although they read as in progress
    last_ping: datetime | None = None  # of an agent whose connection is lost; None: it is online
    tags: Mapping[str, str] = field(default_factory=dict)  # beside those of Elastic Beanstalk

    @property
    def ping_status(self) -> str:
        return "Online" if self.last_ping is None else "ConnectionLost"

    def next_recheck(self) -> Answer:
        self.rechecked += 1
        if self.recheck_answers:
            return self.recheck_answers[min(self.rechecked, len(self.recheck_answers)) - 1]
        known = json.loads(self.last_output)
        if known["result"] == "no_worker":
            return Answer(5.0, "Failed", 3, says("no_worker", took=5))
        return Answer(14.0, output=rests(known["processes"]))

    def next_answer(self, document: str, *, is_question: bool) -> Answer:
        result = {"Quiet": "quiet", "Stop": "stopped", "Wake": "awake", "Status": "reported"}
        default = next(value for key, value in result.items() if key in document)
        if not is_question and self.loses:
            self.loses -= 1
            self.without_command = True
            return Answer(1_000_000.0)
        if is_question:
            busy = [{"pid": 1, "state": "quieting", "busy": self.jobs}]
            at_work = "none" if self.without_command else "quiet"
            answer = json.loads(says(default, processes=busy)) | {"at_work": at_work}
            return Answer(10_000.0 if self.silent else 2.0, output=json.dumps(answer))
        self.without_command = False
        answers = self.answers or [Answer()]
        answer = answers[min(self.received, len(answers) - 1)]
        self.received += 1
        if answer.output is None and answer.status == "Success":
            answer = replace(answer, output=says(default, took=int(answer.after)))
        self.last_output = answer.output or ""
        return answer
