"""Turning what a state's Catch gives into the words a person reads."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

from snow_white.aws.environments import NothingMatched
from snow_white.aws.execution_history import ExecutionEnd
from snow_white.aws.regions import RegionRefused, RegionUnavailable
from snow_white.model.ended_run import EndedRun, StepError
from snow_white.model.limits import cut
from snow_white.model.report import Result
from snow_white.model.request import InvalidRequest

# Errors whose message is already a sentence for the person who asked. Lambda names an error by its class.
OWN_ERRORS: Final = frozenset(
    error.__name__ for error in (InvalidRequest, NothingMatched, RegionRefused, RegionUnavailable)
)
_NAME: Final = 256  # Step Functions takes no longer one in a Fail state
_MESSAGE: Final = 4_000
_RESULTS: Final = {"SUCCEEDED": Result.CONFIRMED, "FAILED": Result.NOT_CONFIRMED}
_WHY: Final = {
    "ABORTED": "it was aborted",
    "TIMED_OUT": "it ran longer than an execution may",
    "FAILED": "it failed outside its own handling of errors",
}


def read_error(error: StepError | None) -> tuple[str, str]:
    """The error's name and a sentence, from what a state's Catch has caught.

    The cause of a failed function is JSON with errorMessage and errorType; that of a timeout, or of the service
    itself, is plain text or missing. Of one that is long the beginning is kept.
    """
    caught = error or StepError()
    name = cut(caught.name or "Unknown", _NAME)
    message = cut(_message(caught.cause or "no cause was given"), _MESSAGE)
    if name in OWN_ERRORS:
        return name, message
    return name, f"Snow White itself failed and confirmed nothing: {name}: {message}"


def reportable(ended: EndedRun, end: ExecutionEnd) -> EndedRun | None:
    """The run with what is to be told of its end: its own report, else the error.

    The report counts if it was told, or if the execution ended as it says. None for a success whose report is not
    there: of that nothing may be said.
    """
    if ended.has_told or (ended.report and ended.report.result is _RESULTS.get(end.status)):
        return ended
    if end.status == "SUCCEEDED":
        return None
    caught = ended.error if end.status == "FAILED" else None
    return replace(ended, report=None, error=caught or execution_error(end))


def execution_error(end: ExecutionEnd) -> StepError:
    """What ended an execution outside its own handling of errors, in the shape of a caught error."""
    why = _WHY.get(end.status, f"its status is {end.status}")
    said = " ".join(filter(None, (end.error, end.cause)))
    name = f"Run{end.status.title().replace('_', '')}"
    return StepError(name, f"The run was ended: {why}. {said}".strip())


def _message(cause: str) -> str:
    try:
        parsed = json.loads(cause)
    except ValueError:
        return cause
    return str(parsed.get("errorMessage") or cause) if isinstance(parsed, dict) else cause
