"""Faults of the services in the home region that no host is reached by: the token, the table, events, executions."""

from __future__ import annotations

from typing import Final

from tests.soak.matrix.equal_faults import LIKE_AT_HOME
from tests.soak.matrix.outcomes import CONFIRMED, CONFIRMED_UNTOLD
from tests.soak.matrix.table import Group, Inject, Row, Step, at_each, calls_fail

_HOME: Final = "us-east-1"
_STEPS: Final = (Step.DISCOVER, Step.ANNOUNCE_START, Step.NOTIFY)
_RECOVERS: Final = at_each(_STEPS, CONFIRMED)
_TABLE: Final = ("PutItem", "GetItem", "UpdateItem", "DeleteItem")


def _calls(kind: str, *operations: str) -> Inject:
    return calls_fail(kind, _HOME, *operations)


def _without_token(fault: str, kind: str) -> Row:
    """The token cannot be read. A function that has read it keeps it for five minutes."""
    stays = {
        **at_each((Step.DISCOVER, Step.ANNOUNCE_START), CONFIRMED_UNTOLD),
        Step.NOTIFY: CONFIRMED,
    }
    return Row(fault, _calls(kind), _RECOVERS, stays, like_it=tuple(LIKE_AT_HOME.get(kind, {}).values()))


SERVICES: Final = Group(
    "AWS's API in the home region",
    "Every call of Secrets Manager, DynamoDB, EventBridge, CloudTrail and Step Functions goes wrong. No host is "
    "reached by these services, so no run fails for them. A function that has read the Slack token keeps it for five "
    "minutes. While DynamoDB does not work, an end may be told twice.",
    _STEPS,
    (
        _without_token("throttled", "throttled"),
        _without_token("error 503", "unavailable"),
        _without_token("the connection is reset", "reset"),
        _without_token("the answer times out", "read-timeout"),
        _without_token("the answer is lost", "lost-answer"),
        _without_token("the answer is cut off", "cut-short"),
        _without_token("a proxy's page instead of an answer", "html"),
        _without_token("a malformed page instead of an answer", "broken-html"),
        _without_token("access denied", "refused"),
        Row("every call takes 6 seconds", _calls("slow"), _RECOVERS, _RECOVERS),
        Row("the DynamoDB table is lost", _calls("not-found", *_TABLE), _RECOVERS, _RECOVERS),
    ),
    passes_after=45,
    timeout_seconds=300,
)
