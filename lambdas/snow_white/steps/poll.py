"""PollCommand: see how far the run is, and decide whether it goes on, sends again, or has come to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from snow_white.aws import run_command
from snow_white.aws.environments import Environment, application_environments, matching
from snow_white.aws.regions import RegionError, Regions, RegionUnavailable, errors_of, in_each, results_of
from snow_white.judgement.assessment import (
    Standing,
    View,
    all_standings,
    ended_standings,
    look,
    unsent_standings,
)
from snow_white.judgement.freshness import told_truly
from snow_white.judgement.verdict import CONFIRMED
from snow_white.model.run import GRACE, Outcome, Progress, RegionPlan, Run, Seen
from snow_white.reporting.report import final_report
from snow_white.steps.dispatch import is_closing, part_of, sendable
from snow_white.steps.pacing import seconds_to_wait
from snow_white.steps.stragglers import ask_the_silent

MAX_FRUITLESS_SENDINGS: Final = 3
# A region in which there was nothing at the start is asked at the end for what was made since; that it does not answer
# is found out by so many polls, and must not hold up the others for hours.
MAX_CLOSING_POLLS: Final = 10
ANNOUNCE_EVERY: Final = timedelta(seconds=15)  # Slack: chat.update takes about 50 a minute
LOOK_UP_EVERY: Final = timedelta(minutes=10)  # Elastic Beanstalk is throttled hard
# Reading the details of every command at every poll would be throttled in a run of thousands; a few a poll and
# region keep the numbers moving. The end is judged by all of them.
_COMMANDS_READ_A_POLL: Final = 5

NoteVerdict = Callable[[str, Standing], None]
"""Told at the end of each instance's region and what is said of it."""


@dataclass(frozen=True)
class _Reading:
    """What was read of one region: judged instances, and how many of those that are there are confirmed."""

    standings: list[Standing]
    seen: Mapping[str, Seen]
    confirmed: int


def _nobody_notes(_region: str, _standing: Standing) -> None:
    return None


def poll(run: Run, regions: Regions, now: datetime, note: NoteVerdict = _nobody_notes) -> Run:
    """Look at all regions at once.

    A region that does not answer, or refuses, keeps no other from going on; it is listed at the end.

    Returns:
        The run with `outcome` and `wait_seconds`; with `report` when the outcome is finished.
    """
    looks = in_each(_planned(run), lambda region: look(regions, run, part_of(run, region)))
    if is_closing(run, looks, now):
        return _close(run, regions, looks, now, note)
    return _follow(_with_new_environments(run, regions, now), regions, results_of(looks), now)


def _follow(run: Run, regions: Regions, views: Mapping[str, View], now: datetime) -> Run:
    """While commands go on: count, and find those that nothing was sent to or whose command was lost."""
    readings = results_of(in_each(views, lambda region: _read_some(run, regions, views[region], now)))
    seen = {**run.seen, **{region: reading.seen for region, reading in readings.items()}}
    run = replace(run, seen=seen, closing_polls=0)
    if len(readings) == len(run.plan):
        # A region that did not answer this time leaves the numbers as they were.
        confirmed = sum(reading.confirmed for reading in readings.values())
        run = replace(run, progress=Progress(confirmed, sum(len(view.instances) for view in views.values())))
    standings = {region: reading.standings for region, reading in readings.items()}
    if sendable(run, standings, closing=False, now=now):
        return replace(run, outcome=Outcome.SEND)
    return _wait(ask_the_silent(run, regions, views, now), now)


def _read_some(run: Run, regions: Regions, view: View, now: datetime) -> _Reading:
    current = {command.id for command in view.last_command.values()}
    seen = {id_: one for id_, one in run.seen.get(view.region, {}).items() if id_ in current}
    news = [
        command
        for command in view.commands
        if command.id in current and command.completed != seen.get(command.id, Seen(0, 0)).completed
    ]
    standings = unsent_standings(regions, view, run.refusals, now)
    for command in news[:_COMMANDS_READ_A_POLL]:
        found, ended = ended_standings(regions, view, run.request.action, command, now)
        standings += found
        again = any(one.sendable or one.waiting for one in found)
        confirmed = sum(one.judgement.verdict in CONFIRMED for one in found)
        seen[command.id] = Seen(-1 if again else ended, confirmed)
    # What was read of a command may count instances that have gone since; those that go on are surely not confirmed.
    most = len(view.instances) - len(view.unsent) - view.silent_count
    confirmed = max(0, min(sum(one.confirmed for one in seen.values()), most))
    return _Reading(standings, seen, confirmed)


def _close(
    run: Run, regions: Regions, looks: Mapping[str, View | RegionError], now: datetime, note: NoteVerdict
) -> Run:
    """When every command has ended, or time is over: judge every instance that is there now.

    The environments are looked up once more, because one that was made during the run is in scope too.
    """
    dark = errors_of(looks)
    found = in_each(
        (region for region in run.request.regions if region not in dark),
        lambda region: _environments(run, regions, region),
    )
    grown = replace(run, plan=_grown(run, results_of(found)), looked_up_at=now)
    views = results_of(looks)
    more = [
        part.region
        for part in grown.plan
        if part.region not in dark and (part.region not in views or part != part_of(run, part.region))
    ]
    run = grown
    again = in_each(more, lambda region: look(regions, run, part_of(run, region)))
    views = {
        region: view
        for region, view in {**views, **results_of(again)}.items()
        if region not in errors_of(again)
    }
    judged = in_each(
        views,
        lambda region: all_standings(regions, views[region], run.request.action, run.refusals, now),
    )
    errors = {**dark, **errors_of(found), **errors_of(again), **errors_of(judged)}
    standings = results_of(judged)
    everyone = [one for some in standings.values() for one in some]
    run = replace(
        run, progress=Progress(sum(one.judgement.verdict in CONFIRMED for one in everyone), len(everyone))
    )
    if now < _latest_end(run, now):
        if run.fruitless_sendings < MAX_FRUITLESS_SENDINGS and sendable(
            run, standings, closing=True, now=now
        ):
            return replace(run, outcome=Outcome.SEND)
        if _may_change(run, everyone, views.values(), now) or _may_answer(run, errors):
            return _wait(replace(run, closing_polls=run.closing_polls + 1), now)
    return _finish(run, regions, views, standings, errors, now, note)


def _finish(
    run: Run,
    regions: Regions,
    views: Mapping[str, View],
    standings: Mapping[str, list[Standing]],
    errors: Mapping[str, RegionError],
    now: datetime,
    note: NoteVerdict,
) -> Run:
    # What still runs on the hosts is ended. Nothing is confirmed by it, so it is no error if it cannot be.
    in_each(views, lambda region: run_command.cancel(regions.ssm(region), views[region].commands))
    told = {region: told_truly(run, some, now) for region, some in standings.items()}
    for region, some in told.items():
        for one in some:
            note(region, one)
    gone = sum(len(view.gone) for view in views.values())
    silent = {region: str(error) for region, error in errors.items()}
    report = final_report(run, told, silent, gone=gone, now=now)
    return replace(run, outcome=Outcome.FINISHED, report=report, wait_seconds=0)


def _wait(run: Run, now: datetime) -> Run:
    since = run.announced_at
    known_at = run.asking.known_at
    news = run.progress != run.announced or (known_at is not None and (since is None or known_at > since))
    changed = news and (since is None or now - since >= ANNOUNCE_EVERY)
    began = run.proven_from or run.dispatched_at or now
    return replace(
        run,
        outcome=Outcome.PROGRESS if changed else Outcome.WORKING,
        wait_seconds=seconds_to_wait((now - began).total_seconds(), run.seconds_left(now)),
    )


def _latest_end(run: Run, now: datetime) -> datetime:
    return run.deadline + GRACE if run.deadline else now


def _may_change(run: Run, everyone: Iterable[Standing], views: Iterable[View], now: datetime) -> bool:
    """Whether an answer is still to come, or an instance that could not be sent to may become one that can."""
    starting = run.seconds_left(now) > 0 and any(one.waiting for one in everyone)
    return starting or any(not view.all_ended for view in views)


def _may_answer(run: Run, errors: Mapping[str, RegionError]) -> bool:
    """Whether a region that does not answer is worth waiting for; one that refuses is not."""
    dark = {region for region, error in errors.items() if isinstance(error, RegionUnavailable)}
    return bool(dark & set(_planned(run))) or (bool(dark) and run.closing_polls < MAX_CLOSING_POLLS)


def _planned(run: Run) -> list[str]:
    return [part.region for part in run.plan]


def _with_new_environments(run: Run, regions: Regions, now: datetime) -> Run:
    """Now and then during a long drain: the plan with the environments that were made meanwhile."""
    last = run.looked_up_at or run.dispatched_at or now
    if now - last < LOOK_UP_EVERY:
        return run
    found = in_each(run.request.regions, lambda region: _environments(run, regions, region))
    return replace(run, plan=_grown(run, results_of(found)), looked_up_at=now)


def _environments(run: Run, regions: Regions, region: str) -> tuple[Environment, ...]:
    client = regions.elastic_beanstalk(region)
    return matching(application_environments(client, run.request.application), run.request.environments)


def _grown(run: Run, found: Mapping[str, tuple[Environment, ...]]) -> tuple[RegionPlan, ...]:
    """The plan with every environment that matches now; one that was planned stays, it may still have instances."""
    planned = {part.region: part for part in run.plan}
    parts = []
    for region in run.request.regions:
        part = planned.get(region, RegionPlan(region, ()))
        environments = tuple(sorted({*part.environments, *found.get(region, ())}))
        if environments:
            parts.append(replace(part, environments=environments))
    return tuple(parts)
