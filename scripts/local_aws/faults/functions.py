"""The faults of Lambda functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local_aws.engine.ministack import wrap
from local_aws.faults.rules import FunctionFault, Rules

Execute = Callable[[Any, Any, str], Any]


class FunctionFaults:
    """The rules for invocations, by whatever service invokes."""

    def __init__(self) -> None:
        self.rules: Rules[FunctionFault] = Rules()

    def install(self) -> None:
        """Put them before MiniStack's execution of a function."""
        from ministack.services import lambda_svc

        wrap(lambda_svc, "_execute_function_warm", self._with_faults)

    def _with_faults(self, execute: Execute) -> Execute:
        def execute_with_faults(function: Any, event: Any, request_id: str) -> Any:
            name = str((function.get("config") or function).get("FunctionName", ""))
            fault = self.rules.take(lambda rule: rule.function in name, function=name)
            if fault is None:
                return execute(function, event, request_id)
            if fault.failure == "crash_before":
                return _exited(request_id)
            answer = execute(function, event, request_id)
            if fault.failure == "called_twice":
                return execute(function, event, request_id)
            if fault.failure == "timeout":
                seconds = float((function.get("config") or function).get("Timeout", 3))
                return _failed("Sandbox.Timedout", f"RequestId: {request_id} Error: {_timed_out(seconds)}")
            return _exited(request_id) if fault.failure == "crash_after" else answer

        return execute_with_faults


def _timed_out(seconds: float) -> str:
    return f"Task timed out after {seconds:.2f} seconds"


def _exited(request_id: str) -> dict[str, Any]:
    text = f"RequestId: {request_id} Error: Runtime exited with error: signal: killed"
    return _failed("Runtime.ExitError", text)


def _failed(error_type: str, message: str) -> dict[str, Any]:
    return {"body": {"errorMessage": message, "errorType": error_type}, "error": True, "log": ""}
