"""EventBridge Scheduler: its one-time schedules, in the one group that Snow White has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from tests.soak.cloud.encoding import Call, ServiceError

GROUP: Final = "SnowWhite"
ROLE: Final = "arn:aws:iam::111122223333:role/SnowWhite-Schedules"
Json = dict[str, Any]


@dataclass(frozen=True)
class Schedule:
    """A schedule as it was last written; `written_at` is when."""

    given: Mapping[str, Any]
    written_at: float

    @property
    def at(self) -> datetime:
        """When it is due."""
        expression = str(self.given["ScheduleExpression"])
        return datetime.fromisoformat(expression.removeprefix("at(").removesuffix(")")).replace(tzinfo=UTC)

    @property
    def request(self) -> Json:
        """What it starts a run with."""
        found: Json = json.loads(self.given["Target"]["Input"])
        return found


@dataclass
class Scheduler:
    """Schedules by name. None of them is due while a run goes on."""

    schedules: dict[str, Schedule] = field(default_factory=dict)

    def answer(self, call: Call, now: float) -> Json:
        """Raises ServiceError."""
        name = str(call.parameters["Name"])
        if (name in self.schedules) is (call.operation == "CreateSchedule"):
            code, word = (
                ("ConflictException", "already exists")
                if name in self.schedules
                else ("ResourceNotFoundException", "does not exist")
            )
            raise ServiceError(code, f"Schedule {name} {word}.", 409 if name in self.schedules else 404)
        match call.operation:
            case "CreateSchedule" | "UpdateSchedule":
                self.schedules[name] = Schedule(call.parameters, now)
                return {"ScheduleArn": f"arn:aws:scheduler:us-east-1:111122223333:schedule/{GROUP}/{name}"}
            case "GetSchedule":
                return {"Name": name, "GroupName": GROUP, "Target": self.schedules[name].given["Target"]}
            case "DeleteSchedule":
                del self.schedules[name]
                return {}
        raise LookupError(call.operation)
