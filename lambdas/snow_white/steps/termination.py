"""What a run for an instance's termination tells Auto Scaling: heartbeats, and at its end that the instance may go.

No failure of these calls changes what the run says of the workers.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from typing import Final

from botocore.exceptions import InvalidRegionError

from snow_white.aws import lifecycle_actions
from snow_white.aws.lifecycle_actions import ActionOver, CallFailed
from snow_white.aws.regions import Regions
from snow_white.model.ended_run import EndedRun
from snow_white.model.run import Outcome, Run
from snow_white.model.stated_request import texts
from snow_white.model.termination import Completion, Heartbeats, LifecycleAction
from snow_white.steps.pacing import LONGEST_SECONDS, SHORTEST_SECONDS

_SHORTEST_WAIT_SECONDS: Final = 15


def keep_waiting(run: Run, regions: Regions, now: datetime) -> Run:
    """The run after a poll, with a heartbeat if one is due, and with a wait that ends before the next one is.

    A heartbeat that failed is tried again after the next poll. Nobody watches such a run, and an update starts many at
    once, so its waits are longer than others at first.
    """
    termination = run.request.termination
    if termination is None or not run.request.drains_one_that_ends or run.outcome is Outcome.FINISHED:
        return run
    outcome = Outcome.WORKING if run.outcome is Outcome.PROGRESS else run.outcome
    run = replace(run, outcome=outcome, wait_seconds=max(run.wait_seconds, _SHORTEST_WAIT_SECONDS))
    action = termination.lifecycle_action
    return _with_heartbeat(run, action, regions, now) if action else run


def _with_heartbeat(run: Run, action: LifecycleAction, regions: Regions, now: datetime) -> Run:
    known = run.heartbeats or Heartbeats()
    due = known.last_at is None or now - known.last_at >= action.heartbeat_every
    if due and not known.over:
        try:
            client = regions.auto_scaling(run.request.regions[0])
            lifecycle_actions.record_heartbeat(client, action, run.request.instances[0])
            known = Heartbeats(now)
        except ActionOver as error:
            known = replace(known, failure=str(error), over=True)
        except CallFailed as error:
            known = replace(known, failure=str(error))
    return until_heartbeat(replace(run, heartbeats=known), now)


def until_heartbeat(run: Run, now: datetime) -> Run:
    """The run with a wait that is not longer than until the next heartbeat is due."""
    termination = run.request.termination
    if termination is None or termination.lifecycle_action is None:
        return run
    due = _seconds_until_due(termination.lifecycle_action, run.heartbeats or Heartbeats(), now)
    return replace(run, wait_seconds=min(run.wait_seconds, due))


def _seconds_until_due(action: LifecycleAction, known: Heartbeats, now: datetime) -> int:
    """Until the next heartbeat; one that has failed is due soon."""
    if known.over:
        return LONGEST_SECONDS
    every = action.heartbeat_every
    left = every if known.failure or known.last_at is None else known.last_at + every - now
    soon = _SHORTEST_WAIT_SECONDS if known.failure else LONGEST_SECONDS
    return max(SHORTEST_SECONDS, min(math.ceil(left.total_seconds()), soon))


def let_go(ended: EndedRun, regions: Regions) -> Completion | None:
    """Tell Auto Scaling that the instance may go, however the run has ended; None without a lifecycle action."""
    termination = ended.request.termination
    action = termination.lifecycle_action if termination else None
    instances, where = texts(ended.request.instances), texts(ended.request.regions)
    if action is None or not instances or not where:
        return None
    before = (ended.heartbeats.failure,) if ended.heartbeats and ended.heartbeats.failure else ()
    try:
        lifecycle_actions.complete(regions.auto_scaling(where[0]), action, instances[0])
    except ActionOver as error:
        return Completion(over=True, failures=tuple(dict.fromkeys((*before, str(error)))))
    except (CallFailed, InvalidRegionError) as error:
        return Completion(failures=(*before, str(error)))
    return Completion(completed=True, failures=before)
