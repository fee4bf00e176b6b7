"""PollCommand: see how far the run is, and decide whether it goes on, sends again, or has come to its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from snow_white import run_command
from snow_white.asking import ask_the_silent
from snow_white.dispatch import part_of, sendable
from snow_white.environments import Environment, application_environments, matches
from snow_white.regions import Regions, RegionUnavailable, in_each
from snow_white.report import final_report
from snow_white.run import GRACE, Outcome, Progress, RegionPlan, Run, Seen
from snow_white.survey import Standing, View, all_standings, ended_standings, look, unsent_standings
from snow_white.verdict import CONFIRMED
from snow_white.waiting import seconds_to_wait

MAX_FRUITLESS_SENDINGS: Final = 3
ANNOUNCE_EVERY: Final = timedelta(seconds=15)  # Slack: chat.update takes about 50 a minute
# Reading the details of every command at every poll would be throttled in a run of thousands; a few a poll and
# region keep the numbers moving. The end is judged by all of them.
_COMMANDS_READ_A_POLL: Final = 5


@dataclass(frozen=True)
class _Reading:
    standings: list[Standing]
    seen: Mapping[str, Seen]


NoteVerdict = Callable[[str, Standing], None]
"""Told at the end of each instance's region and what is said of it."""


def _nobody_notes(_region: str, _standing: Standing) -> None:
    return None


def poll(run: Run, regions: Regions, now: datetime, note: NoteVerdict = _nobody_notes) -> Run:
    """Look at all regions at once.

    Returns:
        The run with `outcome` and `wait_seconds`; with `report` when the outcome is finished.

    Raises:
        RegionRefused: a region refuses a call for a reason that stays.
    """
    looks = in_each(_planned(run), lambda region: look(regions, run, part_of(run, region)))
    views = {region: view for region, view in looks.items() if isinstance(view, View)}
    everything_ended = len(views) == len(looks) and all(view.all_ended for view in views.values())
    if everything_ended or _is_late(run, now):
        return _judge(run, regions, now, note)
    return _follow(run, regions, views, now)


def _follow(run: Run, regions: Regions, views: Mapping[str, View], now: datetime) -> Run:
    """While commands go on: count, and find those that nothing was sent to or whose command was lost."""
    readings = {
        region: reading
        for region, reading in in_each(
            views, lambda region: _read_some(run, regions, views[region], now)
        ).items()
        if isinstance(reading, _Reading)
    }
    seen = dict(run.seen)
    for reading in readings.values():
        seen.update(reading.seen)
    confirmed = sum(one.confirmed for one in seen.values())
    # A region that did not answer this time leaves the number of instances as it was.
    complete = len(views) == len(run.plan)
    instances = sum(len(view.instances) for view in views.values()) if complete else run.progress.instances
    run = replace(run, seen=seen, progress=Progress(min(confirmed, instances), instances))
    standings = {region: reading.standings for region, reading in readings.items()}
    if sendable(run, standings, all_ended=False, now=now):
        return replace(run, outcome=Outcome.SEND)
    return _wait(ask_the_silent(run, regions, views, now), now)


def _read_some(run: Run, regions: Regions, view: View, now: datetime) -> _Reading:
    news = [
        command
        for command in view.commands
        if command.completed != (run.seen[command.id].completed if command.id in run.seen else 0)
    ][:_COMMANDS_READ_A_POLL]
    seen: dict[str, Seen] = {}
    standings: list[Standing] = []
    for command in news:
        found = ended_standings(regions, view, run.request.action, [command])
        seen[command.id] = Seen(command.completed, sum(one.judgement.verdict in CONFIRMED for one in found))
        standings += found
    return _Reading([*standings, *unsent_standings(regions, view, run.refusals, now)], seen)


def _judge(run: Run, regions: Regions, now: datetime, note: NoteVerdict) -> Run:
    """When every command has ended, or time is over: judge every instance that is there now.

    The environments are looked up once more, because one that was made during the run is in scope too.
    """
    late = _is_late(run, now)
    found = in_each(run.request.regions, lambda region: _environments(run, regions, region))
    run = replace(run, plan=_grown(run, found))
    looks = in_each(_planned(run), lambda region: look(regions, run, part_of(run, region)))
    views = {region: view for region, view in looks.items() if isinstance(view, View)}
    judged = in_each(
        views,
        lambda region: all_standings(regions, views[region], run.request.action, run.refusals, now),
    )
    silent = {
        region: str(result)
        for results in (found, looks, judged)
        for region, result in results.items()
        if isinstance(result, RegionUnavailable)
    }
    standings = {region: some for region, some in judged.items() if not isinstance(some, RegionUnavailable)}
    everyone = [one for some in standings.values() for one in some]
    confirmed = sum(one.judgement.verdict in CONFIRMED for one in everyone)
    run = replace(run, progress=Progress(confirmed, len(everyone)))
    if not late:
        if run.fruitless_sendings < MAX_FRUITLESS_SENDINGS and sendable(
            run, standings, all_ended=True, now=now
        ):
            return replace(run, outcome=Outcome.SEND)
        if silent or _somebody_is_starting(everyone, run, now):
            return _wait(run, now)
    for region, view in views.items():
        _cancel_open(regions, region, view)
    for region, some in standings.items():
        for one in some:
            note(region, one)
    gone = sum(len(view.gone) for view in views.values())
    report = final_report(run, standings, silent, gone=gone, now=now)
    return replace(run, outcome=Outcome.FINISHED, report=report, wait_seconds=0)


def _wait(run: Run, now: datetime) -> Run:
    since = run.announced_at
    known_at = run.asking.known_at
    news = run.progress != run.announced or (known_at is not None and (since is None or known_at > since))
    changed = news and (since is None or now - since >= ANNOUNCE_EVERY)
    elapsed = (now - run.dispatched_at).total_seconds() if run.dispatched_at else 0.0
    return replace(
        run,
        outcome=Outcome.PROGRESS if changed else Outcome.WORKING,
        wait_seconds=seconds_to_wait(elapsed, run.seconds_left(now)),
    )


def _somebody_is_starting(everyone: list[Standing], run: Run, now: datetime) -> bool:
    """Whether an instance that could not be sent to yet may still become one that can, in time to be confirmed."""
    return run.seconds_left(now) > 0 and any(
        one.judgement.passing and not one.sendable and one.judgement.unsent for one in everyone
    )


def _is_late(run: Run, now: datetime) -> bool:
    return run.deadline is not None and now >= run.deadline + GRACE


def _planned(run: Run) -> list[str]:
    return [part.region for part in run.plan]


def _environments(run: Run, regions: Regions, region: str) -> tuple[Environment, ...]:
    client = regions.elastic_beanstalk(region)
    return tuple(
        one
        for one in application_environments(client, run.request.application)
        if matches(one.name, run.request.environments)
    )


def _grown(
    run: Run, found: Mapping[str, tuple[Environment, ...] | RegionUnavailable]
) -> tuple[RegionPlan, ...]:
    """The plan with every environment that matches now; one that was planned stays, its instances may still run."""
    planned = {part.region: part for part in run.plan}
    parts: list[RegionPlan] = []
    for region, environments in found.items():
        part = planned.get(region, RegionPlan(region, ()))
        now_there = environments if not isinstance(environments, RegionUnavailable) else ()
        grown = replace(part, environments=tuple(sorted({*part.environments, *now_there})))
        if grown.environments:
            parts.append(grown)
    return tuple(parts)


def _cancel_open(regions: Regions, region: str, view: View) -> None:
    """End what still runs on the hosts after the run's end.

    The run ends without a confirmation whether this succeeds or not, so a region that does not answer is no error.
    """
    in_each([region], lambda one: run_command.cancel(regions.ssm(one), view.commands))
