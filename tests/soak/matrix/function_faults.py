"""Faults of the Lambda functions that do the steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tests.soak.matrix.outcomes import CONFIRMED, STEP_FAILED, STOPPED, STOPPED_UNTOLD, Outcome
from tests.soak.matrix.table import STOPPED_AT, Begin, Group, Inject, Row, Step, at_each
from tests.soak.scenarios.scenario import LambdaFault, Scenario

_NEEDED: Final = (Step.DISCOVER, Step.DISPATCH, Step.POLL, Step.LAST_POLL)
_TELLING: Final = (Step.ANNOUNCE_START, Step.NOTIFY)
_STEPS: Final = tuple(Step)
_ATTEMPTS: Final = 20  # more than a step is ever tried
_CALLS: Final = 2  # of AWS, before a crash in the middle


def _invocations(kind: str) -> Inject:
    def inject(scenario: Scenario, begin: Begin) -> Scenario:
        state = "PollCommand" if begin.step is Step.LAST_POLL else begin.step.value
        count = _ATTEMPTS if begin.stays else 1
        numbers = range(begin.invocation, begin.invocation + count)
        faults = tuple(LambdaFault(state, number, kind, _CALLS) for number in numbers)
        stopped_at = STOPPED_AT if begin.step is Step.CLOSE else scenario.stopped_at
        return replace(scenario, lambda_faults=faults, stopped_at=stopped_at)

    return inject


def _failing(fault: str, kind: str, error: str, close: Outcome | None) -> Row:
    """A fault that ends the run with Lambda's error if it stays in a step that is needed.

    Args:
        close: how a stopped run ends if close_run always fails so; None where Lambda itself tries for hours.
    """
    failed = replace(STEP_FAILED, error=error, names=(error,))
    passes = {**at_each((*_NEEDED, *_TELLING), CONFIRMED)}
    stays = {**at_each(_NEEDED, failed), **at_each(_TELLING, CONFIRMED)}
    if close is not None:
        passes[Step.CLOSE], stays[Step.CLOSE] = STOPPED, close
    return Row(fault, _invocations(kind), passes, stays)


FUNCTIONS: Final = Group(
    "A step's Lambda function",
    "One invocation goes wrong; if the fault stays, every one from then on. In the column `close_run`, somebody stops "
    "the execution, and `close_run` has to clean up.",
    _STEPS,
    (
        _failing("it dies before it does anything", "crash-before", "Runtime.ExitError", STOPPED_UNTOLD),
        _failing("it dies in the middle of its work", "crash-during", "Runtime.ExitError", STOPPED_UNTOLD),
        _failing("it dies after its work", "crash-after", "Lambda.Unknown", STOPPED),
        _failing("it hangs after its work until Lambda ends it", "timed-out", "Sandbox.Timedout", STOPPED),
        _failing("Lambda throttles it", "throttled", "Lambda.TooManyRequestsException", None),
        Row(
            "it is called twice",
            _invocations("twice"),
            {**at_each((*_NEEDED, *_TELLING), CONFIRMED), Step.CLOSE: STOPPED},
            {**at_each((*_NEEDED, *_TELLING), CONFIRMED), Step.CLOSE: STOPPED},
        ),
    ),
    passes_after=0,
    timeout_seconds=900,
)
