"""Polling several times within one invocation, while the pauses between two polls are short.

At list prices a second in which PollCommand waits costs a twelfth of a turn of the state machine, so a pause of a few
seconds is cheaper within it. Longer ones are spent in the Wait state.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from snow_white.aws.regions import Regions
from snow_white.model.run import Outcome, Run
from snow_white.steps.poll import LogVerdict, log_nothing, poll
from snow_white.steps.termination import keep_waiting

LONGEST_PAUSE_SECONDS: Final = 10
_POLLED_FOR: Final = timedelta(seconds=60)


def long_poll(
    run: Run,
    regions: Regions,
    now: Callable[[], datetime],
    sleep: Callable[[float], None],
    log_verdict: LogVerdict = log_nothing,
) -> Run:
    """Poll, with heartbeats, until there is something to do, the next pause is long, or a minute has passed."""
    began = at = now()
    while True:
        run = keep_waiting(poll(run, regions, at, log_verdict), regions, at)
        if not pauses_within(run) or now() - began >= _POLLED_FOR:
            return run
        sleep(run.wait_seconds)
        at = now()


def pauses_within(run: Run) -> bool:
    """Whether the function itself waits until the next poll."""
    return run.outcome is Outcome.WORKING and run.wait_seconds <= LONGEST_PAUSE_SECONDS
