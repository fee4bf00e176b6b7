"""Retries wait as the state machine defines, and States.ALL does not match every error."""

import random
from typing import Any

from local_aws.engine.ministack import wrap

_NEVER_CAUGHT_BY_ALL = ("States.DataLimitExceeded", "States.Runtime")


def install() -> None:
    """AWS limits the delay before a retry by MaxDelaySeconds and, with JitterStrategy FULL, draws it between 0 and the
    result. States.ALL matches neither States.DataLimitExceeded nor States.Runtime. MiniStack does none of this. (It
    also never waits more than 60 seconds between attempts; that is not patched.)
    """
    from ministack.services import stepfunctions

    wrap(stepfunctions, "_find_matching_retrier", _with_its_own_delay)
    wrap(stepfunctions, "_error_matches", _with_exceptions)


def _with_its_own_delay(find: Any) -> Any:
    def find_with_delay(retriers: Any, error: str, counts: Any) -> Any:
        retrier, index = find(retriers, error, counts)
        if retrier is None:
            return None, index
        delay = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** counts.get(index, 0)
        delay = min(delay, retrier.get("MaxDelaySeconds", delay))
        if retrier.get("JitterStrategy") == "FULL":
            delay = random.uniform(0, delay)  # noqa: S311  # spreads load, protects nothing
        return {**retrier, "IntervalSeconds": delay, "BackoffRate": 1.0}, index

    return find_with_delay


def _with_exceptions(matches: Any) -> Any:
    def matches_on_aws(names: list[str], error: str) -> bool:
        if error in _NEVER_CAUGHT_BY_ALL and error not in names:
            return False
        return bool(matches(names, error))

    return matches_on_aws
