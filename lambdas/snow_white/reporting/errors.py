"""The error that ended a run, as a name and a sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

from snow_white.aws.environments import NothingMatched
from snow_white.aws.execution_history import ExecutionEnd
from snow_white.aws.executions import OppositeRunUnderWay
from snow_white.aws.regions import RegionRefused, RegionUnavailable
from snow_white.model.ended_run import EndedRun, StepError
from snow_white.model.limits import cut
from snow_white.model.report import Result
from snow_white.model.request import InvalidRequest
from snow_white.model.stopping import RUN_ABORTED, RUN_TIMED_OUT

# Errors whose message is written for the requester. Lambda names an error by its class.
OWN_ERRORS: Final = frozenset(
    error.__name__
    for error in (InvalidRequest, NothingMatched, OppositeRunUnderWay, RegionRefused, RegionUnavailable)
)
_MAX_NAME: Final = 256  # characters, the limit of an error's name in a Fail state
_MAX_MESSAGE: Final = 4_000
_RESULTS: Final = {"SUCCEEDED": Result.CONFIRMED, "FAILED": Result.NOT_CONFIRMED}
_WHY: Final = {
    "ABORTED": (RUN_ABORTED, "The run was stopped."),
    "TIMED_OUT": (RUN_TIMED_OUT, "The run was ended at the longest duration of an execution."),
    "FAILED": ("RunFailed", "The run failed outside the state machine's error handling."),
}
_ENDED_FROM_OUTSIDE: Final = frozenset({RUN_ABORTED, RUN_TIMED_OUT})


def read_error(error: StepError | None) -> tuple[str, str]:
    """The error's name and a sentence, from what a state's Catch has caught.

    The cause of a failed function is JSON with errorMessage and errorType. The cause of a timeout, or of an error of
    Step Functions, is plain text or missing. Long texts are cut.
    """
    caught = error or StepError()
    name = cut(caught.name or "Unknown", _MAX_NAME)
    message = cut(_message(caught.cause or "no cause was given"), _MAX_MESSAGE)
    if name in OWN_ERRORS | _ENDED_FROM_OUTSIDE:
        return name, message
    return name, f"Snow White itself failed and confirmed nothing: {name}: {message}"


def reportable(ended: EndedRun, end: ExecutionEnd) -> EndedRun | None:
    """The run as it is to be reported: with its own report, or without a report and with the error that ended it.

    Its own report is used if it was announced, or if its result agrees with the execution's status. None for a
    success without such a report: it must not be reported as confirmed.
    """
    if ended.end_was_announced or (ended.report and ended.report.result is _RESULTS.get(end.status)):
        return ended
    if end.status == "SUCCEEDED":
        return None
    caught = ended.error if end.status == "FAILED" else None
    return replace(
        ended,
        report=None,
        error=caught or execution_error(end, ended.stopped_by),
        stopped_at=end.ended_at if end.status in ("ABORTED", "TIMED_OUT") else None,
    )


def execution_error(end: ExecutionEnd, stopped_by: str = "") -> StepError:
    """The error of an execution that ended outside the state machine's error handling, or that `stopped_by` stopped."""
    name, why = _WHY.get(end.status, ("RunEnded", f"The run was ended: its status is {end.status}."))
    if stopped_by:
        return StepError(name, f"The run was stopped by {stopped_by}.")
    details = ": ".join(filter(None, (end.error, end.cause)))
    return StepError(name, f"{why} {details}".strip())


def _message(cause: str) -> str:
    try:
        parsed = json.loads(cause)
    except ValueError:
        return cause
    return str(parsed.get("errorMessage") or cause) if isinstance(parsed, dict) else cause
