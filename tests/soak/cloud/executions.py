"""Step Functions' own API, as far as the functions ask it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.soak.cloud.clock import START
from tests.soak.cloud.encoding import Call, ServiceError

MACHINE_ARN: Final = "arn:aws:states:us-east-1:111122223333:stateMachine:SnowWhite"
Json = dict[str, Any]


@dataclass
class Executions:
    """The executions of the state machine that run, by name, with their inputs; and the history of the ended one."""

    running: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    history: list[Json] = field(default_factory=list)

    def answer(self, call: Call) -> Json:
        match call.operation:
            case "ListExecutions":
                return {"executions": [self._row(name) for name in self.running]}
            case "DescribeExecution":
                name = str(call.parameters["executionArn"]).rpartition(":")[2]
                if name not in self.running:
                    raise ServiceError("ExecutionDoesNotExist", "Execution Does Not Exist")
                return {**self._row(name), "input": json.dumps(self.running[name])}
            case "GetExecutionHistory":
                return {"events": self.history}
        raise LookupError(call.operation)

    def _row(self, name: str) -> Json:
        return {
            "executionArn": f"{MACHINE_ARN.replace(':stateMachine:', ':execution:')}:{name}",
            "stateMachineArn": MACHINE_ARN,
            "name": name,
            "status": "RUNNING",
            "startDate": START - 600,
        }
