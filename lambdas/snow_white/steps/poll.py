"""PollCommand: see how far the run is, and decide whether it goes on, sends again, or has come to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from snow_white.aws import run_command
from snow_white.aws.regions import RegionError, Regions, errors_of, in_each, results_of
from snow_white.aws.run_command import short_id
from snow_white.judgement.assessment import (
    LISTS_LAG_FOR,
    Assessment,
    assess_all,
    assess_commands,
    assess_lost,
    assess_unsent,
    settled,
    with_leaving,
)
from snow_white.judgement.freshness import FRESH_FOR, expire_stale, is_stale
from snow_white.judgement.rechecks import may_have_rechecks, with_rechecks
from snow_white.judgement.snapshot import RegionSnapshot, glance, may_glance, take_snapshot
from snow_white.judgement.undone import mark_undone
from snow_white.model.final_phase import FINAL_PHASE
from snow_white.model.fleet import RegionPlan
from snow_white.model.progress import Progress
from snow_white.model.run import CommandReading, Outcome, Run
from snow_white.reporting.build import final_report
from snow_white.steps.final_phase import is_final_phase, may_answer, sendable, since_when_refused
from snow_white.steps.groups import extend_plan, read_groups, with_new_groups
from snow_white.steps.known_ids import remember_ids
from snow_white.steps.pacing import SHORTEST_SECONDS, seconds_between_announcements, seconds_to_wait
from snow_white.steps.recheck import recheck_is_due
from snow_white.steps.stragglers import update_stragglers

# Reading the details of every command at every poll would be throttled in a run of thousands; a few a poll and
# region keep the numbers moving. The end is judged by all of them.
_COMMANDS_READ_PER_POLL: Final = 5

LogVerdict = Callable[[str, Assessment], None]
"""Called at the end with each instance's region and assessment."""


@dataclass(frozen=True)
class _RegionReading:
    """What was read of one region: assessments, and how many of the instances that are there are confirmed."""

    assessments: list[Assessment]
    readings: Mapping[str, CommandReading]
    confirmed: int


def log_nothing(_region: str, _assessment: Assessment) -> None:
    """For those who want no log."""


def poll(run: Run, regions: Regions, now: datetime, log_verdict: LogVerdict = log_nothing) -> Run:
    """Look at all regions at once.

    A region that does not answer, or refuses, keeps no other from going on; it is listed at the end.

    Returns:
        The run with `outcome` and `wait_seconds`; with `report` when the outcome is finished.
    """
    if run.waiting_for:
        return replace(run, outcome=Outcome.SEND)
    snapshots = _look(run, regions, now, glance) if may_glance(run, regions, now) else {}
    if not snapshots or is_final_phase(run, snapshots, now):
        # A glance tells that a run goes on, and never that it has come to its end.
        snapshots = _look(run, regions, now, take_snapshot)
        run = replace(run, instances_read_at=None if errors_of(snapshots) else now)
    run = remember_ids(run, results_of(snapshots), now)
    if is_final_phase(run, snapshots, now):
        return _settle(run, regions, snapshots, now, log_verdict)
    return _follow(with_new_groups(run, regions, now), regions, snapshots, now)


def _look(
    run: Run,
    regions: Regions,
    now: datetime,
    look: Callable[[Regions, Run, RegionPlan, datetime], RegionSnapshot],
) -> dict[str, RegionSnapshot | RegionError]:
    return in_each(_planned_regions(run), lambda region: look(regions, run, run.region_plan(region), now))


def _follow(
    run: Run, regions: Regions, looked: Mapping[str, RegionSnapshot | RegionError], now: datetime
) -> Run:
    """While commands go on: count, and find those that nothing was sent to or whose command was lost."""
    snapshots = results_of(looked)
    read = results_of(in_each(snapshots, lambda region: _read_some(run, regions, snapshots[region], now)))
    readings = {**run.readings, **{region: one.readings for region, one in read.items()}}
    refused_since = since_when_refused(run, errors_of(looked), now)
    run = replace(
        run, readings=readings, silent_region_polls=0, refused_since=refused_since, lagging_since=None
    )
    if len(read) == len(run.plan):
        # A region that did not answer this time leaves the numbers as they were.
        confirmed = sum(one.confirmed for one in read.values())
        instances = sum(len(snapshot.instances) for snapshot in snapshots.values())
        if any(snapshot.assumed for snapshot in snapshots.values()):
            instances = run.progress.instances
        run = replace(run, progress=Progress(confirmed, instances))
    assessments = {region: one.assessments for region, one in read.items()}
    if sendable(run, assessments, final_phase=False, now=now) or recheck_is_due(run, now):
        return replace(run, outcome=Outcome.SEND)
    return _wait(update_stragglers(run, regions, snapshots, now), now)


def _read_some(run: Run, regions: Regions, snapshot: RegionSnapshot, now: datetime) -> _RegionReading:
    current = {command.short_id for command in snapshot.last_command.values()}
    known = run.readings.get(snapshot.region, {})
    readings = {id_: one for id_, one in known.items() if id_ in current}
    changed = [
        command
        for command in snapshot.commands
        if command.short_id in current
        and command.completed != readings.get(command.short_id, CommandReading()).completed
    ]
    some = changed[:_COMMANDS_READ_PER_POLL]
    ended, newly_read = assess_commands(regions, snapshot, run.request.action, some, now)
    readings |= newly_read
    assessments = assess_unsent(regions, snapshot, run, now) + ended
    assessments += assess_lost(snapshot, run.stragglers.lost, assessments)
    assessments = with_leaving(run.request.action, assessments)
    # What was read of a command may count instances that have gone since; those that go on are surely not confirmed.
    most = len(snapshot.instances) - len(snapshot.unsent) - snapshot.in_progress_count
    confirmed = max(0, min(sum(one.confirmed for one in readings.values()), most))
    return _RegionReading(assessments, readings, confirmed)


@dataclass(frozen=True)
class _Settlement:
    """What the final phase knows: by region, a snapshot with its assessments, or the error instead.

    `settled` counts the confirmed instances of the commands that were not read again.
    """

    snapshots: Mapping[str, RegionSnapshot]
    assessments: Mapping[str, list[Assessment]]
    errors: Mapping[str, RegionError]
    readings: Mapping[str, Mapping[str, CommandReading]]
    settled: int = 0

    @property
    def everyone(self) -> list[Assessment]:
        return [one for some in self.assessments.values() for one in some]


def _settle(
    run: Run,
    regions: Regions,
    snapshots: Mapping[str, RegionSnapshot | RegionError],
    now: datetime,
    log_verdict: LogVerdict,
) -> Run:
    """The final phase: judge every instance that is there now, and end the run unless that may still change.

    While an answer is waited for, the answers that cannot change any more are not read again.
    """
    run, known, errors = _look_at_new_groups(run, regions, snapshots, now)
    if run.seconds_left(now) > FRESH_FOR.total_seconds():
        read = _assess_everyone(run, regions, known, errors, now, but_settled=True)
        if _is_awaited(run, read, now):
            after = _with_progress(run, read, now)
            if _is_sendable(run, read, now, renew=False):
                return replace(after, outcome=Outcome.SEND)
            return _wait(replace(after, silent_region_polls=run.silent_region_polls + 1), now)
    read = _assess_everyone(run, regions, known, errors, now)
    awaited = _is_awaited(run, read, now)
    run = _with_progress(run, read, now)
    if now < _latest_end(run, now):
        # Confirmations are renewed once nothing else is waited for, or there is no time left to wait.
        renew = not awaited or run.seconds_left(now) < FRESH_FOR.total_seconds()
        if _is_sendable(run, read, now, renew=renew):
            return replace(run, outcome=Outcome.SEND)
        if awaited:
            return _wait(replace(run, silent_region_polls=run.silent_region_polls + 1), now)
    return _finish(run, regions, read, now, log_verdict)


def _is_awaited(run: Run, read: _Settlement, now: datetime) -> bool:
    return _may_change(run, read.everyone, read.snapshots.values(), now) or _may_answer(run, read.errors, now)


def _is_sendable(run: Run, read: _Settlement, now: datetime, *, renew: bool) -> bool:
    return run.fruitless_sendings < FINAL_PHASE.fruitless_sendings and bool(
        sendable(run, read.assessments, final_phase=renew, now=now)
    )


def _with_progress(run: Run, read: _Settlement, now: datetime) -> Run:
    confirmed = sum(one.confirmed for one in read.everyone) + read.settled
    instances = sum(len(snapshot.instances) for snapshot in read.snapshots.values())
    lagging = any(one.lagging for one in read.everyone)
    return replace(
        run,
        lagging_since=(run.lagging_since or now) if lagging else None,
        progress=Progress(min(confirmed, instances), instances),
        readings={**run.readings, **read.readings},
        refused_since=since_when_refused(run, read.errors, now),
    )


def _look_at_new_groups(
    run: Run, regions: Regions, snapshots: Mapping[str, RegionSnapshot | RegionError], now: datetime
) -> tuple[Run, dict[str, RegionSnapshot], dict[str, RegionError]]:
    """The groups are read once more, because one that was made during the run is in scope too."""
    unavailable, known = errors_of(snapshots), results_of(snapshots)
    found = in_each(
        (region for region in run.request.regions if region not in unavailable),
        lambda region: read_groups(run, regions, region, known.get(region)),
    )
    extended = extend_plan(run, results_of(found), now)
    grown = [
        part.region
        for part in extended.plan
        if part.region not in unavailable
        and (part.region not in known or part != run.region_plan(part.region))
    ]
    again = in_each(grown, lambda region: take_snapshot(regions, extended, extended.region_plan(region), now))
    failed_again = errors_of(again)
    extended = remember_ids(extended, results_of(again), now)
    known = {
        region: snapshot
        for region, snapshot in {**known, **results_of(again)}.items()
        if region not in failed_again
    }
    return extended, known, {**unavailable, **errors_of(found), **failed_again}


def _assess_everyone(
    run: Run,
    regions: Regions,
    known: Mapping[str, RegionSnapshot],
    errors: Mapping[str, RegionError],
    now: datetime,
    *,
    but_settled: bool = False,
) -> _Settlement:
    def assess(region: str) -> tuple[list[Assessment], dict[str, CommandReading], int]:
        before = run.readings.get(region, {})
        left_out = settled(known[region], before) if but_settled else frozenset()
        assessments, readings = assess_all(regions, known[region], run, now, but=left_out)
        assessments = mark_undone(regions, run, region, with_leaving(run.request.action, assessments))
        if may_have_rechecks(run, now):
            assessments = with_rechecks(regions, run, region, assessments, now)
        kept = {short_id(id_): before[short_id(id_)] for id_ in left_out}
        confirmed = sum(one.confirmed for one in kept.values())
        return assessments, {**readings, **kept}, confirmed

    assessed = in_each(known, assess)
    results = results_of(assessed)
    return _Settlement(
        known,
        {region: assessments for region, (assessments, _, _) in results.items()},
        {**errors, **errors_of(assessed)},
        {region: readings for region, (_, readings, _) in results.items()},
        sum(confirmed for _, _, confirmed in results.values()),
    )


def _finish(run: Run, regions: Regions, known: _Settlement, now: datetime, log_verdict: LogVerdict) -> Run:
    # What still runs on the hosts is ended. Nothing is confirmed by it, so it is no error if it cannot be.
    in_each(
        known.snapshots,
        lambda region: run_command.cancel(regions.ssm(region), known.snapshots[region].commands),
    )
    fresh = {region: expire_stale(run, some, now) for region, some in known.assessments.items()}
    for region, some in fresh.items():
        for one in some:
            log_verdict(region, one)
    gone = {region: snapshot.gone for region, snapshot in known.snapshots.items()}
    unavailable = {region: str(error) for region, error in known.errors.items()}
    report = final_report(run, fresh, unavailable, gone=gone, now=now)
    # The report says it all; what was needed to get there would only fill the state.
    stragglers = replace(run.stragglers, unanswered={})
    run = replace(run, refusals={}, gone={}, unsent={}, hidden_since={}, readings={}, stragglers=stragglers)
    return replace(run, outcome=Outcome.FINISHED, report=report, wait_seconds=0)


def _wait(run: Run, now: datetime) -> Run:
    announced_at = run.announced_at
    known_at = run.stragglers.known_at
    news = run.progress != run.announced or (
        known_at is not None and (announced_at is None or known_at > announced_at)
    )
    began = run.dispatched_at or now
    pause = seconds_between_announcements((now - began).total_seconds())
    announce = news and (announced_at is None or (now - announced_at).total_seconds() >= pause)
    elapsed = (now - (run.renewed_at or began)).total_seconds()
    wait = seconds_to_wait(elapsed, run.seconds_left(now))
    if run.lagging_since is not None and now - run.lagging_since < LISTS_LAG_FOR:
        wait = SHORTEST_SECONDS
    return replace(run, outcome=Outcome.PROGRESS if announce else Outcome.WORKING, wait_seconds=wait)


def _latest_end(run: Run, now: datetime) -> datetime:
    return run.deadline + FINAL_PHASE.grace if run.deadline else now


def _may_change(
    run: Run, everyone: Iterable[Assessment], snapshots: Iterable[RegionSnapshot], now: datetime
) -> bool:
    """Whether an answer is still to come, or an instance that could not be sent to may become one that can."""
    if run.seconds_left(now) > 0:
        waiting = any(
            # One that was confirmed, but is leaving now, cannot be asked again; soon it is gone.
            one.waiting or (one.instance.leaving and is_stale(run, one, now))
            for one in everyone
        )
    else:
        # Nothing is sent again, but what has ended may still be shown.
        waiting = any(one.lagging for one in everyone)
    return waiting or any(not snapshot.all_ended for snapshot in snapshots)


def _may_answer(run: Run, errors: Mapping[str, RegionError], now: datetime) -> bool:
    """Whether a region is worth waiting for; outside the plan not for long."""
    unavailable = {region for region, error in errors.items() if may_answer(run, region, error, now)}
    return bool(unavailable & set(_planned_regions(run))) or (
        bool(unavailable) and run.silent_region_polls < FINAL_PHASE.silent_region_polls
    )


def _planned_regions(run: Run) -> list[str]:
    return [part.region for part in run.plan]
