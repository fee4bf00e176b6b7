"""Faults of Slack."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tests.soak.matrix.outcomes import (
    CONFIRMED,
    CONFIRMED_ELSEWHERE,
    CONFIRMED_UNTOLD,
    DIED,
    DIED_ELSEWHERE,
    DIED_UNTOLD,
    STOPPED,
    STOPPED_ELSEWHERE,
    STOPPED_UNTOLD,
    Outcome,
)
from tests.soak.matrix.table import CLOSES, STOPPED_AT, Begin, Group, Inject, Row, Step, at_each
from tests.soak.scenarios.scenario import Scenario, SlackFault

_STEPS: Final = (Step.ANNOUNCE_START, Step.NOTIFY, Step.CLOSE, Step.CLOSE_DIED)


def _slack(kind: str) -> Inject:
    def inject(scenario: Scenario, begin: Begin) -> Scenario:
        if begin.step in CLOSES:
            # The execution ends when the step does that is at work.
            fault = SlackFault(kind, STOPPED_AT, begin.seconds + 60)
            dies = begin.step is Step.CLOSE_DIED
            return replace(scenario, slack_faults=(fault,), stopped_at=STOPPED_AT, dies=dies)
        return replace(scenario, slack_faults=(SlackFault(kind, begin.at, begin.seconds),))

    return inject


def _down(fault: str, kind: str) -> Row:
    """Slack cannot be reached: the run goes on, and close_run tries again for three minutes."""
    return Row(
        fault,
        _slack(kind),
        {
            **at_each((Step.ANNOUNCE_START, Step.NOTIFY), CONFIRMED),
            Step.CLOSE: STOPPED,
            Step.CLOSE_DIED: DIED,
        },
        {
            **at_each((Step.ANNOUNCE_START, Step.NOTIFY), CONFIRMED_UNTOLD),
            Step.CLOSE: STOPPED_UNTOLD,
            Step.CLOSE_DIED: DIED_UNTOLD,
        },
    )


def _refusing(fault: str, kind: str, confirmed: Outcome, stopped: Outcome, died: Outcome) -> Row:
    """Slack refuses in a way that a second try does not change."""
    return Row(
        fault,
        _slack(kind),
        {Step.ANNOUNCE_START: CONFIRMED, Step.NOTIFY: confirmed, Step.CLOSE: stopped, Step.CLOSE_DIED: died},
        {
            **at_each((Step.ANNOUNCE_START, Step.NOTIFY), confirmed),
            Step.CLOSE: stopped,
            Step.CLOSE_DIED: died,
        },
        # It has ended before the fault is over.
        except_passes={(Step.ANNOUNCE_START, "status"): confirmed},
    )


_TOLD: Final = {
    **at_each((Step.ANNOUNCE_START, Step.NOTIFY), CONFIRMED),
    Step.CLOSE: STOPPED,
    Step.CLOSE_DIED: DIED,
}

SLACK: Final = Group(
    "Slack",
    "No run fails for Slack. Whom a step could not reach is told by `close_run`, which tries for three minutes. What "
    "Slack refuses for good is not tried again, but told elsewhere if it can be; a token that is refused is read anew. "
    "In the last columns `close_run` tells the end of "
    "an execution that somebody stopped, or that Step Functions itself ended.",
    _STEPS,
    (
        _down("rate limit (429)", "ratelimited"),
        _down("error 503", "server-error"),
        _down("no answer", "down"),
        _down("the message arrives, but the answer is lost", "lost-answer"),
        _down("the token is not valid", "invalid_auth"),
        _refusing(
            "the channel of the request does not exist",
            "channel_not_found",
            CONFIRMED_ELSEWHERE,
            STOPPED_ELSEWHERE,
            DIED_ELSEWHERE,
        ),
        _refusing("no channel exists", "no-channels", CONFIRMED_UNTOLD, STOPPED_UNTOLD, DIED_UNTOLD),
        Row("the message was deleted", _slack("message_not_found"), _TOLD, _TOLD),
    ),
    passes_after=25,
    timeout_seconds=900,
)
