"""Faults of the Lambda functions that do the steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from tests.soak.matrix.outcomes import (
    CONFIRMED,
    DIED,
    DIED_UNTOLD,
    STEP_FAILED,
    STOPPED,
    STOPPED_UNTOLD,
    Outcome,
)
from tests.soak.matrix.table import CLOSES, STOPPED_AT, Begin, Group, Inject, Row, Step, at_each
from tests.soak.scenarios.scenario import LambdaFault, Scenario

_NEEDED: Final = (Step.DISCOVER, Step.DISPATCH, Step.POLL, Step.LAST_POLL)
_TELLING: Final = (Step.ANNOUNCE_START, Step.NOTIFY)
_STEPS: Final = tuple(Step)
_ATTEMPTS: Final = 20  # more than a step is ever tried
_CALLS: Final = 2  # of AWS, before a crash in the middle


def _invocations(kind: str) -> Inject:
    def inject(scenario: Scenario, begin: Begin) -> Scenario:
        state = "PollCommand" if begin.step is Step.LAST_POLL else begin.step.value
        state = Step.CLOSE.value if begin.step in CLOSES else state
        count = _ATTEMPTS if begin.stays else 1
        numbers = range(begin.invocation, begin.invocation + count)
        faults = tuple(LambdaFault(state, number, kind, _CALLS) for number in numbers)
        if begin.step is Step.CLOSE_FAILED:
            fails = (LambdaFault("PollCommand", number, "crash-before") for number in range(_ATTEMPTS))
            return replace(scenario, lambda_faults=(*faults, *fails))
        if begin.step in CLOSES:
            dies = begin.step is Step.CLOSE_DIED
            return replace(scenario, lambda_faults=faults, stopped_at=STOPPED_AT, dies=dies)
        return replace(scenario, lambda_faults=faults)

    return inject


_FAILED_POLL: Final = replace(STEP_FAILED, error="Runtime.ExitError", names=("Runtime.ExitError",))
_CLOSED: Final = {Step.CLOSE: STOPPED, Step.CLOSE_FAILED: _FAILED_POLL, Step.CLOSE_DIED: DIED}
# A run that fails has told its end itself.
_UNCLOSED: Final = {**_CLOSED, Step.CLOSE: STOPPED_UNTOLD, Step.CLOSE_DIED: DIED_UNTOLD}


def _failing(fault: str, kind: str, error: str, close: Mapping[Step, Outcome]) -> Row:
    """A fault that ends the run with Lambda's error if it stays in a step that is needed.

    Args:
        close: how a run ends if close_run always fails so; empty where Lambda itself tries for hours.
    """
    failed = replace(STEP_FAILED, error=error, names=(error,))
    passes = {**at_each((*_NEEDED, *_TELLING), CONFIRMED)}
    stays = {**at_each(_NEEDED, failed), **at_each(_TELLING, CONFIRMED)}
    if close:
        passes |= _CLOSED
        stays |= close
    return Row(fault, _invocations(kind), passes, stays)


FUNCTIONS: Final = Group(
    "A step's Lambda function",
    "One invocation goes wrong; if the fault stays, every one from then on. In the last columns `close_run` has to "
    "clean up after an execution that somebody stopped, that failed because `PollCommand` dies each time, or that Step "
    "Functions itself ended.",
    _STEPS,
    (
        _failing("it dies before it does anything", "crash-before", "Runtime.ExitError", _UNCLOSED),
        _failing("it dies in the middle of its work", "crash-during", "Runtime.ExitError", _UNCLOSED),
        _failing("it dies after its work", "crash-after", "Lambda.Unknown", _CLOSED),
        _failing("it hangs after its work until Lambda ends it", "timed-out", "Sandbox.Timedout", _CLOSED),
        _failing("its answer is lost", "client-timeout", "Lambda.ClientExecutionTimeoutException", {}),
        _failing("Lambda throttles it", "throttled", "Lambda.TooManyRequestsException", {}),
        _failing("Lambda itself fails", "service-error", "Lambda.ServiceException", {}),
        Row(
            "it is called twice",
            _invocations("twice"),
            {**at_each((*_NEEDED, *_TELLING), CONFIRMED), **_CLOSED},
            {**at_each((*_NEEDED, *_TELLING), CONFIRMED), **_CLOSED},
        ),
    ),
    passes_after=0,
    timeout_seconds=900,
)
