"""DispatchCommand: send the action's document to everyone who needs it and does not have it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from snow_white.aws import run_command
from snow_white.aws.executions import OppositeRunUnderWay
from snow_white.aws.regions import (
    RegionError,
    RegionRefused,
    Regions,
    RegionUnavailable,
    errors_of,
    in_each,
    results_of,
)
from snow_white.aws.run_command import Sent
from snow_white.judgement.assessment import (
    Assessment,
    assess_all,
    assess_ended,
    assess_lost,
    assess_unsent,
    with_leaving,
)
from snow_white.judgement.freshness import renewable
from snow_white.judgement.rechecks import may_have_rechecks, with_rechecks
from snow_white.judgement.snapshot import RegionSnapshot, glance, may_glance, take_snapshot
from snow_white.judgement.undone import mark_undone
from snow_white.model import state_budget
from snow_white.model.durations import MIN_TIMEOUT_SECONDS
from snow_white.model.run import CommandReading, Run
from snow_white.steps.discover import discover
from snow_white.steps.final_phase import is_final_phase, sendable, since_when_refused
from snow_white.steps.known_ids import remember_ids
from snow_white.steps.pacing import SHORTEST_SECONDS, seconds_to_wait
from snow_white.steps.recheck import recheck, recheck_is_due
from snow_white.steps.termination import until_heartbeat

WAIT_FOR_REGIONS: Final = timedelta(minutes=5)
"""How long a run waits for regions that do not answer before anything is sent."""
REFUSAL_LASTS: Final = timedelta(seconds=60)
"""How long a region must refuse at the start before the run ends for it: IAM's changes take a while to spread."""
_BETWEEN_DISCOVERIES_SECONDS: Final = 10
_FIRST_PAUSE_SECONDS: Final = 5  # after a refusal in the final phase
_LONGEST_PAUSE_SECONDS: Final = 30


@dataclass(frozen=True)
class _Sending:
    """What was sent in one region, whose commands it replaces, and the commands that were known before.

    `renewed` counts the instances that were sent to only to renew their confirmation.
    """

    sent: Sent
    renewed: int
    replaced_commands: frozenset[str]
    known_commands: tuple[str, ...]


def _demand_nothing(_run: Run) -> None:
    return None


def _arrange_nothing(run: Run, _now: datetime) -> Run:
    return run


def dispatch(
    run: Run,
    regions: Regions,
    now: datetime,
    demand_alone: Callable[[Run], None] = _demand_nothing,
    arrange: Callable[[Run, datetime], Run] = _arrange_nothing,
) -> Run:
    """Look up the instances at this moment and send to them, in all regions at once.

    Doing it again is safe: what an earlier, interrupted try has sent is found by its comment. A region that
    does not answer, or refuses, is left for the next time, and what it said is kept.

    Args:
        demand_alone: called when the plan has become complete, before anything is sent; it raises an error if an
            opposite run is under way.
        arrange: called before anything is sent, and again if that was interrupted, or at a later sending if the lease
            failed; returns the run to go on with.

    Raises:
        RegionUnavailable: a region has not answered for so long that there is no plan.
        NothingMatched, RegionRefused: as discover.
    """
    if run.waiting_for:
        run = _complete_plan(run, regions, now)
        if run.waiting_for:
            return run
        try:
            demand_alone(run)
        except OppositeRunUnderWay as other:
            if not run.waits_for_others:
                raise
            return run.waiting_for_run(str(other))
    if run.dispatched_at is None or (run.lease is not None and run.lease.failure):
        run = arrange(run, now)
    looked, rechecks = _look(run, regions, now)
    snapshots = results_of(looked)
    run = remember_ids(run, snapshots, now)
    final_phase = is_final_phase(run, looked, now)
    judged = in_each(
        snapshots,
        lambda region: _assess(
            run, regions, snapshots[region], now, final_phase=final_phase, rechecks=rechecks
        ),
    )
    wanted = sendable(run, results_of(judged), final_phase=final_phase, now=now)
    everyone = [one for some in results_of(judged).values() for one in some]
    stale = renewable(run, everyone, now) if final_phase else set()
    stale |= {one.instance.id for one in everyone if one.refuted}
    results = in_each(
        results_of(judged),
        lambda region: _send(run, regions, snapshots[region], wanted.get(region, ()), stale, now),
    )
    errors = errors_of({**looked, **judged, **results})
    if rechecks:
        recheck(run, regions, results_of(judged), now)
    run = _record(run, results_of(results), errors, final_phase=final_phase, rechecks=rechecks, now=now)
    return until_heartbeat(run, now)


def _look(run: Run, regions: Regions, now: datetime) -> tuple[dict[str, RegionSnapshot | RegionError], bool]:
    """A snapshot of each region, and whether those that were confirmed are to be rechecked while others work."""
    due = recheck_is_due(run, now)
    look = glance if due and may_glance(run, regions, now) else take_snapshot
    looked = in_each(
        (part.region for part in run.plan), lambda region: look(regions, run, run.region_plan(region), now)
    )
    if not due or not is_final_phase(run, looked, now):
        return looked, due
    # The last ones have ended since the poll. A glance does not tell the end of a run.
    return in_each(
        (part.region for part in run.plan),
        lambda region: take_snapshot(regions, run, run.region_plan(region), now),
    ), False


def _complete_plan(run: Run, regions: Regions, now: datetime) -> Run:
    """Try once more to see all regions; nothing is sent before that."""
    found = discover(run.request, regions)
    refused_since = since_when_refused(run, found.errors, now)
    lasting = [
        str(found.errors[region]) for region, since in refused_since.items() if now - since >= REFUSAL_LASTS
    ]
    if lasting:
        raise RegionRefused("; ".join(lasting))
    # A run may have waited for another one for hours before a region does not answer.
    unanswered_since = (run.unanswered_since or now) if found.errors else None
    if unanswered_since and now - unanswered_since > WAIT_FOR_REGIONS:
        raise RegionUnavailable("; ".join(found.waiting_for.values()))
    return replace(
        run.with_plan(found.plan, found.unsent),
        waiting_for=found.waiting_for,
        unanswered_since=unanswered_since,
        refused_since=refused_since,
        wait_seconds=_BETWEEN_DISCOVERIES_SECONDS,
    )


def _assess(
    run: Run, regions: Regions, snapshot: RegionSnapshot, now: datetime, *, final_phase: bool, rechecks: bool
) -> list[Assessment]:
    """Those that a command may go to, and in the final phase or for a recheck also all that are confirmed."""
    action = run.request.action
    if final_phase:
        assessments = with_leaving(action, assess_all(regions, snapshot, run, now)[0])
    else:
        readings = run.readings.get(snapshot.region, {})
        assessments = assess_unsent(regions, snapshot, run, now)
        for command in snapshot.commands:
            known = 0 if rechecks else readings.get(command.short_id, CommandReading()).confirmed
            if command.completed > known and snapshot.current_instances(command):
                assessments += assess_ended(regions, snapshot, action, command, now)[0]
        lost = assess_lost(snapshot, run.stragglers.lost, assessments)
        assessments = with_leaving(action, assessments + lost)
        checked = with_rechecks(regions, run, snapshot.region, assessments, now) if rechecks else assessments
        if not any(one.refuted for one in checked):
            return checked
    # Whom somebody has woken since is not put to sleep again.
    assessments = mark_undone(regions, run, snapshot.region, assessments)
    if rechecks or may_have_rechecks(run, now):
        assessments = with_rechecks(regions, run, snapshot.region, assessments, now)
    return assessments


def _send(
    run: Run,
    regions: Regions,
    snapshot: RegionSnapshot,
    ids: tuple[str, ...],
    stale: set[str],
    now: datetime,
) -> _Sending:
    sent, renewed = (
        run_command.send(
            regions.ssm(snapshot.region),
            run.request.action,
            [one for one in ids if (one in stale) is renewal],
            execution_timeout=max(MIN_TIMEOUT_SECONDS, int(run.seconds_left(now))),
            comment=run_command.comment(run.execution, run.sendings + 1, renewal=renewal),
            run=_remembered_run(run),
        )
        for renewal in (False, True)
    )
    return _Sending(
        sent + renewed,
        renewed.instances,
        frozenset(snapshot.last_command[one].short_id for one in ids if one in snapshot.last_command),
        tuple(command.id for command in snapshot.commands),
    )


def _remembered_run(run: Run) -> str:
    """The documents' parameter `run`: who puts workers to sleep, or whose workers alone are to be woken."""
    if run.request.action.drains:
        return run_command.run_parameter(run.execution)
    return run.request.only_asleep_by or ""


def _record(
    run: Run,
    results: Mapping[str, _Sending],
    errors: Mapping[str, RegionError],
    *,
    final_phase: bool,
    rechecks: bool,
    now: datetime,
) -> Run:
    began = run.dispatched_at or now
    renews = final_phase and any(result.renewed for result in results.values())
    commands = dict(run.commands)
    readings = dict(run.readings)
    refusals = {region: str(error) for region, error in errors.items()}
    reached = 0
    transient = any(isinstance(error, RegionUnavailable) for error in errors.values())
    for region, result in results.items():
        known = (*commands.get(region, ()), *result.known_commands, *result.sent.command_ids)
        commands[region] = tuple(dict.fromkeys(known))
        readings[region] = {
            command: one
            for command, one in readings.get(region, {}).items()
            if command not in result.replaced_commands
        }
        refusals |= result.sent.refused
        reached += result.sent.instances
    # What SSM keeps refusing, or throttles, is tried again at the pace of the polls, or hours of it would fill the
    # execution's history. In the final phase a refusal is tried a few times more, with growing pauses.
    elapsed = now - ((now if renews else run.renewed_at) or began)
    wait = seconds_to_wait(elapsed.total_seconds(), run.seconds_left(now))
    fruitless = run.fruitless_sendings + 1 if final_phase and not (reached or transient) else 0
    if fruitless:
        wait = min(_FIRST_PAUSE_SECONDS * 2 ** (fruitless - 1), _LONGEST_PAUSE_SECONDS)
    elif reached and (final_phase or run.dispatched_at is None):
        wait = max(SHORTEST_SECONDS, run.request.action.soonest_answer_seconds)
    return replace(
        run,
        commands=state_budget.newest(commands, state_budget.COMMAND_IDS),
        sendings=run.sendings + 1,
        fruitless_sendings=fruitless,
        refusals=dict(islice(refusals.items(), state_budget.REFUSALS)),
        readings=readings,
        stragglers=replace(run.stragglers, lost=()),
        renewals=run.renewals + renews,
        renewed_at=now if renews else run.renewed_at,
        rechecked_at=now if rechecks else run.rechecked_at,
        dispatched_at=began,
        instances_read_at=run.instances_read_at if rechecks else None,
        wait_seconds=wait,
    )
