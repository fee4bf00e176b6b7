"""DispatchCommand: send the action's document to everyone who needs it and does not have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Final

from snow_white import run_command
from snow_white.regions import Regions, RegionUnavailable, in_each
from snow_white.request import MIN_TIMEOUT_SECONDS
from snow_white.run import GRACE, RegionPlan, Run
from snow_white.run_command import Sent
from snow_white.survey import (
    Standing,
    View,
    all_standings,
    ended_standings,
    look,
    to_prove_again,
    unsent_standings,
)
from snow_white.waiting import SHORTEST_SECONDS, seconds_to_wait

_REFUSALS_KEPT: Final = 20


@dataclass(frozen=True)
class _Sending:
    sent: Sent
    resent_commands: frozenset[str]
    adopted: tuple[str, ...]


def dispatch(run: Run, regions: Regions, now: datetime) -> Run:
    """Look up the instances at this moment and send to them, in all regions at once.

    Doing it again is safe: what an earlier, interrupted try has sent is found by its comment and adopted. A region
    that does not answer is left for the next time.

    Raises:
        RegionRefused: a region refuses to be sent to, for a reason that stays.
    """
    if not may_send(run, now):
        return replace(run, wait_seconds=SHORTEST_SECONDS)
    looks = in_each(
        (part.region for part in run.plan), lambda region: look(regions, run, part_of(run, region))
    )
    views = {region: view for region, view in looks.items() if isinstance(view, View)}
    all_ended = len(views) == len(run.plan) and all(view.all_ended for view in views.values())
    judged = in_each(views, lambda region: _standings(run, regions, views[region], all_ended, now))
    standings = {
        region: found for region, found in judged.items() if not isinstance(found, RegionUnavailable)
    }
    wanted = sendable(run, standings, all_ended=all_ended, now=now)
    results = in_each(
        standings, lambda region: _send(run, regions, views[region], wanted.get(region, ()), now)
    )
    return _record(run, results, now)


def may_send(run: Run, now: datetime) -> bool:
    """Whether a command sent now can still end in time. Proving a worker again may use the grace after the deadline."""
    return run.seconds_left(now) > -GRACE.total_seconds() / 2


def sendable(
    run: Run, standings: Mapping[str, list[Standing]], *, all_ended: bool, now: datetime
) -> dict[str, tuple[str, ...]]:
    """By region, the ids that a command should go to now.

    Args:
        all_ended: no command goes on anywhere, so that workers confirmed long ago are proven again.
    """
    everyone = [one for some in standings.values() for one in some]
    again = {one.instance.id for one in to_prove_again(run.request.action, everyone)} if all_ended else set()
    # The shortest time a host's script takes; a little less is allowed so that a run with the
    # shortest timeout is not refused for the second that has passed since it began.
    in_time = run.seconds_left(now) >= MIN_TIMEOUT_SECONDS / 2
    return {
        region: ids
        for region, some in standings.items()
        if (
            ids := tuple(
                one.instance.id
                for one in some
                if (one.sendable and in_time) or (one.instance.id in again and may_send(run, now))
            )
        )
    }


def part_of(run: Run, region: str) -> RegionPlan:
    """The plan's part for a region that is in it."""
    return next(part for part in run.plan if part.region == region)


def _standings(run: Run, regions: Regions, view: View, all_ended: bool, now: datetime) -> list[Standing]:
    if all_ended:
        return all_standings(regions, view, run.request.action, run.refusals, now)
    suspects = [
        command
        for command in view.commands
        if command.completed > (run.seen[command.id].confirmed if command.id in run.seen else 0)
    ]
    return [
        *ended_standings(regions, view, run.request.action, suspects),
        *unsent_standings(regions, view, run.refusals, now),
    ]


def _send(run: Run, regions: Regions, view: View, ids: tuple[str, ...], now: datetime) -> _Sending:
    sent = Sent()
    if ids:
        sent = run_command.send(
            regions.ssm(view.region),
            run.request.action,
            ids,
            execution_timeout=max(MIN_TIMEOUT_SECONDS, int(run.seconds_left(now))),
            comment=run_command.comment(run.execution.name, run.sendings + 1),
        )
    return _Sending(
        sent,
        frozenset(view.last_command[id_].id for id_ in ids if id_ in view.last_command),
        tuple(command.id for command in view.commands),
    )


def _record(run: Run, results: Mapping[str, _Sending | RegionUnavailable], now: datetime) -> Run:
    commands = dict(run.commands)
    refusals = dict(run.refusals)
    seen = dict(run.seen)
    reached = 0
    began = run.dispatched_at or now
    for region, result in results.items():
        if isinstance(result, RegionUnavailable):
            continue
        known = (*commands.get(region, ()), *result.adopted, *result.sent.command_ids)
        commands[region] = tuple(dict.fromkeys(known))
        refusals.update(result.sent.refused)
        reached += result.sent.instances
        for command in result.resent_commands:
            seen.pop(command, None)
    return replace(
        run,
        commands=commands,
        sendings=run.sendings + 1,
        fruitless_sendings=0 if reached else run.fruitless_sendings + 1,
        refusals=dict(islice(refusals.items(), _REFUSALS_KEPT)),
        seen=seen,
        dispatched_at=began,
        # One that SSM keeps refusing is tried again and again: at the pace of the polls, or hours of it would fill
        # the execution's history.
        wait_seconds=SHORTEST_SECONDS
        if reached
        else seconds_to_wait((now - began).total_seconds(), run.seconds_left(now)),
    )
