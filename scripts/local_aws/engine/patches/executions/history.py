"""An execution's history has AWS's events and AWS's limits."""

from typing import Any, Final

from local_aws.engine.ministack import find, wrap

HISTORY_EVENTS: Final = 25_000
STATE_BYTES: Final = 262_144
_ENDS = ("ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut")


def install() -> None:
    """AWS adds a TaskStarted after each TaskScheduled, and to each event the id of the previous one. It fails an
    execution that reaches 25,000 events, and one whose state exceeds 262,144 bytes (States.DataLimitExceeded).
    MiniStack has neither those events and ids nor the limits.
    """
    from ministack.services import stepfunctions

    find(stepfunctions, "_ExecutionError")
    wrap(stepfunctions, "_add_event", _complete_and_limited)


def _complete_and_limited(add: Any) -> Any:
    from ministack.services import stepfunctions

    def add_within_limits(execution: dict[str, Any], kind: str, details: Any = None) -> Any:
        if kind not in _ENDS:
            if len(execution["events"]) >= HISTORY_EVENTS - 1:
                raise stepfunctions._ExecutionError(
                    "States.Runtime",
                    f"The execution reached the maximum number of history events ({HISTORY_EVENTS}).",
                )
            for each in (details or {}).values():
                if isinstance(each, dict) and len((each.get("output") or "").encode()) > STATE_BYTES:
                    raise stepfunctions._ExecutionError(
                        "States.DataLimitExceeded",
                        f"The state or task {each.get('name') or each.get('resource')} returned a result with a size "
                        "exceeding the maximum number of bytes service limit.",
                    )
        event = add(execution, kind, details)
        event["previousEventId"] = event["id"] - 1
        if kind == "TaskScheduled":
            scheduled = event["taskScheduledEventDetails"]
            started = {"taskStartedEventDetails": dict(scheduled)}
            event = add_within_limits(execution, "TaskStarted", started)
        return event

    return add_within_limits
