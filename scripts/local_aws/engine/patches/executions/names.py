"""Starting an execution again with the same name and input is the same execution."""

import json
from typing import Any

from local_aws.engine.ministack import find, wrap


def install() -> None:
    """On AWS StartExecution with the name and the input of a running execution answers with that execution, so that
    a retried call starts nothing twice. With another input, or after its end, AWS answers ExecutionAlreadyExists.
    MiniStack always answers that. It also accepts an input that is not JSON, where AWS answers InvalidExecutionInput.
    """
    from ministack.services import stepfunctions

    find(stepfunctions, "_executions")
    wrap(stepfunctions, "_start_execution", _same_name_same_execution)


def _same_name_same_execution(start: Any) -> Any:
    from ministack.core.responses import error_response_json, json_response
    from ministack.services import stepfunctions

    def start_or_find(request: dict[str, Any]) -> Any:
        text = request.get("input", "{}")
        try:
            json.loads(text)
        except ValueError as error:
            return error_response_json(
                "InvalidExecutionInput", f"Invalid State Machine Execution Input: {error}", 400
            )
        machine = str(request.get("stateMachineArn", ""))
        arn = f"{machine.replace(':stateMachine:', ':execution:')}:{request.get('name')}"
        known = stepfunctions._executions.get(arn)
        if known and known["status"] == "RUNNING" and known["input"] == text:
            return json_response({"executionArn": arn, "startDate": known["startDate"]})
        return start(request)

    return start_or_find
