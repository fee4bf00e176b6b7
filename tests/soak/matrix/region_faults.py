"""Faults of AWS's APIs in one region of workers, eu-west-1; the other region works."""

from __future__ import annotations

from typing import Final

from tests.soak.matrix.equal_faults import LIKE
from tests.soak.matrix.outcomes import (
    CONFIRMED,
    NOTHING_MATCHED,
    REGION_NOT_CONFIRMED,
    REGION_REFUSED,
    REGION_UNAVAILABLE,
    UNCONFIRMED,
    UNREACHABLE,
    UNSEEN,
    Outcome,
)
from tests.soak.matrix.table import Group, Inject, Row, Step, at_each, calls_fail

_REGION: Final = "eu-west-1"
_STEPS: Final = (Step.DISCOVER, Step.DISPATCH, Step.POLL, Step.LAST_POLL)
_LATER: Final = _STEPS[1:]
_RECOVERS: Final = at_each(_STEPS, CONFIRMED)
_LISTS: Final = (
    "DescribeEnvironments",
    "DescribeInstances",
    "DescribeInstanceInformation",
    "ListCommands",
    "ListCommandInvocations",
)


def _calls(kind: str, *operations: str) -> Inject:
    return calls_fail(kind, _REGION, *operations)


def _unanswered(fault: str, kind: str) -> Row:
    """A fault of every call: what is not known at the start keeps everything from being sent."""
    stays = {Step.DISCOVER: REGION_UNAVAILABLE, **at_each(_LATER, REGION_NOT_CONFIRMED)}
    return Row(fault, _calls(kind), _RECOVERS, stays, like_it=tuple(LIKE[kind].values()))


CALLS: Final = Group(
    "AWS's API in a region of workers",
    "Every call of Elastic Beanstalk, EC2 and Systems Manager in one region goes wrong; the other regions work.",
    _STEPS,
    (
        _unanswered("throttled", "throttled"),
        _unanswered("error 503", "unavailable"),
        _unanswered("the connection is reset", "reset"),
        _unanswered("the answer times out", "read-timeout"),
        _unanswered("a proxy's page instead of an answer", "html"),
        Row("every call takes 6 seconds", _calls("slow"), _RECOVERS, _RECOVERS),
        Row(
            "access denied",
            _calls("refused"),
            _RECOVERS,
            {Step.DISCOVER: REGION_REFUSED, **at_each(_LATER, REGION_NOT_CONFIRMED)},
        ),
    ),
    passes_after=45,
    timeout_seconds=90,
)


def _empty(
    fault: str,
    operation: str,
    passes: dict[Step, Outcome],
    stays: dict[Step, Outcome],
    except_passes: dict[tuple[Step, str], Outcome] | None = None,
    except_stays: dict[tuple[Step, str], Outcome] | None = None,
) -> Row:
    return Row(fault, _calls("empty", operation), passes, stays, except_passes or {}, except_stays or {})


LISTS: Final = Group(
    "Wrong lists in a region of workers",
    "The calls succeed, but what they list is wrong; the other regions work.",
    _STEPS,
    (
        _empty(
            "Elastic Beanstalk lists no environment",
            "DescribeEnvironments",
            {Step.DISCOVER: NOTHING_MATCHED, **at_each(_LATER, CONFIRMED)},
            {Step.DISCOVER: NOTHING_MATCHED, **at_each(_LATER, CONFIRMED)},
        ),
        _empty(
            "EC2 lists no instance",
            "DescribeInstances",
            _RECOVERS,
            {Step.DISCOVER: UNSEEN, **at_each(_LATER, REGION_NOT_CONFIRMED)},
            # It is over in twelve seconds.
            except_passes={(Step.DISCOVER, "status"): UNSEEN},
        ),
        _empty(
            "Systems Manager lists no agent",
            "DescribeInstanceInformation",
            _RECOVERS,
            {
                **at_each((Step.DISCOVER, Step.DISPATCH), UNREACHABLE),
                # Everybody was sent to before, and has answered.
                **at_each((Step.POLL, Step.LAST_POLL), CONFIRMED),
            },
        ),
        _empty(
            "Run Command lists no command",
            "ListCommands",
            _RECOVERS,
            at_each(_STEPS, REGION_NOT_CONFIRMED),
        ),
        _empty(
            "Run Command lists no answer of a host",
            "ListCommandInvocations",
            _RECOVERS,
            at_each(_STEPS, UNCONFIRMED),
        ),
        Row(
            "all lists are 45 seconds old",
            _calls("stale", "ListCommands", "ListCommandInvocations"),
            _RECOVERS,
            _RECOVERS,
        ),
        Row("all lists have each row twice", _calls("doubled", *_LISTS), _RECOVERS, _RECOVERS),
        Row("all lists come in pages of two rows", _calls("small-pages", *_LISTS), _RECOVERS, _RECOVERS),
    ),
    passes_after=20,
    timeout_seconds=120,
)
