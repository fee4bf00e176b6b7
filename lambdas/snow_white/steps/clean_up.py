"""A run that has ended: end what it left on the hosts, and tell if the run itself could not."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from snow_white.aws import run_command
from snow_white.aws.regions import Regions, errors_of, in_each, results_of
from snow_white.model.request import Action
from snow_white.model.run import Execution
from snow_white.reporting.report import CONFIRMED_RESULT, NOT_CONFIRMED_RESULT

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_stepfunctions.type_defs import HistoryEventTypeDef

_HISTORY_PAGES: Final = 5
# Seconds: Step Functions does not promise that an execution's history is complete as soon as its end is announced.
_UNTIL_COMPLETE: Final = (1, 2, 4, 8)
_ENDS: Final = frozenset({"ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"})
_RESULTS: Final = {"SUCCEEDED": CONFIRMED_RESULT, "FAILED": NOT_CONFIRMED_RESULT}
_WHY: Final = {
    "ABORTED": "it was aborted",
    "TIMED_OUT": "it ran longer than an execution may",
    "FAILED": "it failed outside its own handling of errors",
}


def newest_state(
    client: SFNClient, execution_arn: str, sleep: Callable[[float], None] = time.sleep
) -> Mapping[str, Any]:
    """The newest state of a run that has ended; {} when it died before its first step.

    A history that lacks the end may lack who was told as well, so it is read again for some seconds.
    """
    for pause in _UNTIL_COMPLETE:
        complete, state = _read_history(client, execution_arn)
        if complete:
            return state
        sleep(pause)
    return _read_history(client, execution_arn)[1]


def _read_history(client: SFNClient, execution_arn: str) -> tuple[bool, Mapping[str, Any]]:
    """Whether it shows the execution's end, and the newest state in it."""
    complete = False
    token: str | None = None
    for _ in range(_HISTORY_PAGES):
        page = client.get_execution_history(
            executionArn=execution_arn,
            reverseOrder=True,
            maxResults=100,
            includeExecutionData=True,
            **({"nextToken": token} if token else {}),
        )
        for event in page["events"]:
            complete = complete or event["type"] in _ENDS
            state = _state(event)
            if state is not None:
                return complete, state
        token = page.get("nextToken")
        if not token:
            break
    return complete, {}


def has_told(state: Mapping[str, Any]) -> bool:
    """Whether the run itself came as far as telling its end: its report then says who was told."""
    return "slack" in (state.get("report") or {})


def state_to_tell(
    state: Mapping[str, Any], execution: Execution, detail: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The state of a run with how it ended: its own report, else the error.

    The report counts if it was told, or if the execution ended as it says. None for a success whose report is not
    there: of that nothing may be said.

    Args:
        detail: of the "Step Functions Execution Status Change" event.
    """
    status, report = detail["status"], state.get("report") or {}
    known = {"request": {}, **state, "execution": execution.to_json()}
    if has_told(state) or (report and report["result"] == _RESULTS.get(status)):
        return known
    if status == "SUCCEEDED":
        return None
    caught = state.get("error") if status == "FAILED" else None
    return {**known, "report": None, "error": caught or dead_run_error(status, detail)}


def cancel_remains(state: Mapping[str, Any], execution: Execution, regions: Regions) -> tuple[int, list[str]]:
    """Cancel the run's commands that still go on.

    Cancelling ends the hosts' scripts, which only watch: no worker and no job is ended by it.

    Returns:
        How many were cancelled, and a sentence for each region in which that could not be done.
    """
    request = state.get("request")
    planned = [part["region"] for part in state.get("plan", [])]
    if not planned or not isinstance(request, Mapping):
        return 0, []
    action = Action(request["action"])

    def cancel(region: str) -> int:
        client = regions.ssm(region)
        known = state.get("commands", {}).get(region, ())
        listed = {one.id: one for one in run_command.commands_of(client, action, execution)}
        # One that was sent a moment ago may not be listed yet.
        unlisted = [
            run_command.Command(one, (), execution.started_at, ended=False, completed=0)
            for one in known
            if one not in listed
        ]
        return run_command.cancel(client, [*listed.values(), *unlisted])

    results = in_each(planned, cancel)
    failed = [f"{region}: {error}" for region, error in errors_of(results).items()]
    return sum(results_of(results).values()), failed


def dead_run_error(status: str, detail: Mapping[str, Any]) -> dict[str, str]:
    """What ended the run, in the form in which the state machine's own Catch would have given it."""
    why = _WHY.get(status, f"its status is {status}")
    said = " ".join(str(detail[key]) for key in ("error", "cause") if detail.get(key))
    return {
        "Error": f"Run{status.title().replace('_', '')}",
        "Cause": f"The run was ended: {why}. {said}".strip(),
    }


def execution_of(detail: Mapping[str, Any], ended: datetime) -> Execution:
    """The execution from a "Step Functions Execution Status Change" event; its times are in milliseconds."""
    started = detail.get("startDate")
    when = datetime.fromtimestamp(started / 1000, tz=ended.tzinfo) if started else ended
    return Execution(detail["executionArn"], detail["name"], when)


def _state(event: HistoryEventTypeDef) -> Mapping[str, Any] | None:
    text = event.get("stateExitedEventDetails", {}).get("output") or event.get(
        "stateEnteredEventDetails", {}
    ).get("input")
    if not text:
        return None
    state = json.loads(text)
    return state if isinstance(state, dict) and "execution" in state else None
