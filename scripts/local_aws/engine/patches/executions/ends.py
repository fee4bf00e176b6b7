"""An execution ends once: after its time limit or a stop nothing of it runs on, and its status stays."""

import contextvars
import json
import threading
from typing import Any, Final

from local_aws.engine.ministack import find, wrap

_ENDS: Final = ("ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut")
_current: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar(
    "current_execution", default=None
)


def install() -> None:
    """AWS ends an execution as TIMED_OUT after the machine's TimeoutSeconds. After an end it changes no status, adds
    no event and retries nothing. A failed execution has an error and a cause but no output. DescribeExecution shows
    an end completely or not at all. MiniStack does none of this, and shows an end while it is being written.
    """
    from ministack.services import stepfunctions

    find(stepfunctions, "_executions")
    wrap(stepfunctions, "_run_execution", _with_time_limit)
    wrap(stepfunctions, "_fail_execution", _only_while_running)
    wrap(stepfunctions, "_describe_execution", _running_until_complete)
    wrap(stepfunctions, "_add_event", _only_before_the_end)
    wrap(stepfunctions, "_find_matching_retrier", _no_retry_after_the_end)
    wrap(stepfunctions, "_invoke_resource", _no_task_after_the_end)


def _with_time_limit(run: Any) -> Any:
    from ministack.services import stepfunctions

    def time_out(execution: dict[str, Any]) -> None:
        if execution["status"] != "RUNNING":
            return
        execution["stopDate"] = stepfunctions.now_iso()
        stepfunctions._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {}})
        execution["status"] = "TIMED_OUT"
        stepfunctions._emit_execution_status_event(execution)

    def run_with_time_limit(execution_arn: str) -> None:
        execution = stepfunctions._executions.get(execution_arn)
        machine = execution and stepfunctions._state_machines.get(execution["stateMachineArn"])
        if not machine:
            run(execution_arn)
            return
        _current.set(execution)
        limit = json.loads(machine["definition"]).get("TimeoutSeconds", 0) * stepfunctions._SFN_WAIT_SCALE
        timer = None
        if limit:
            context = contextvars.copy_context()
            timer = threading.Timer(limit, context.run, [time_out, execution])
            timer.daemon = True
            timer.start()
        try:
            run(execution_arn)
        finally:
            if timer:
                timer.cancel()

    return run_with_time_limit


def _only_while_running(_: Any) -> Any:
    """Replaces MiniStack's, which gives the execution an output and emits an event for an execution that has ended."""
    from ministack.services import stepfunctions

    def fail_once(execution: dict[str, Any], error: str, cause: str) -> None:
        if execution["status"] != "RUNNING":
            return
        execution.update(status="FAILED", error=error, cause=cause, stopDate=stepfunctions.now_iso())
        details = {"executionFailedEventDetails": {"error": error, "cause": cause}}
        stepfunctions._add_event(execution, "ExecutionFailed", details)
        stepfunctions._emit_execution_status_event(execution)

    return fail_once


def _running_until_complete(describe: Any) -> Any:
    """The last event is written after everything else of an end, so it tells whether the end is complete."""
    from ministack.services import stepfunctions

    def describe_complete_end(data: dict[str, Any]) -> Any:
        execution = stepfunctions._executions.get(data.get("executionArn"))
        complete = execution is None or execution["events"][-1]["type"] in _ENDS
        status, headers, body = describe(data)
        if complete:
            return status, headers, body
        described = json.loads(body)
        for field in ("output", "error", "cause", "stopDate"):
            described.pop(field, None)
        return status, headers, json.dumps({**described, "status": "RUNNING"}).encode()

    return describe_complete_end


def _only_before_the_end(add: Any) -> Any:
    def add_before_the_end(execution: dict[str, Any], kind: str, details: Any = None) -> Any:
        events = execution["events"]
        return events[-1] if events and events[-1]["type"] in _ENDS else add(execution, kind, details)

    return add_before_the_end


def _has_ended() -> bool:
    execution = _current.get()
    return execution is not None and execution["status"] != "RUNNING"


def _no_task_after_the_end(invoke: Any) -> Any:
    """An execution may end while a retry waits."""
    from ministack.services import stepfunctions

    def invoke_while_running(resource: str, given: Any) -> Any:
        if _has_ended():
            raise stepfunctions._ExecutionError("States.Runtime", "The execution has ended.")
        return invoke(resource, given)

    return invoke_while_running


def _no_retry_after_the_end(find_retrier: Any) -> Any:
    def find_while_running(retriers: Any, error: str, counts: Any) -> Any:
        if _has_ended():
            return None, -1
        return find_retrier(retriers, error, counts)

    return find_while_running
