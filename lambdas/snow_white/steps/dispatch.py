"""DispatchCommand: send the action's document to everyone who needs it and does not have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Final

from snow_white.aws import run_command
from snow_white.aws.regions import RegionError, Regions, RegionUnavailable, errors_of, in_each, results_of
from snow_white.aws.run_command import Sent
from snow_white.judgement.assessment import (
    Standing,
    View,
    all_standings,
    ended_standings,
    look,
    unsent_standings,
)
from snow_white.judgement.freshness import to_prove_again
from snow_white.model.request import MIN_TIMEOUT_SECONDS
from snow_white.model.run import GRACE, RegionPlan, Run, Seen
from snow_white.steps.pacing import SHORTEST_SECONDS, seconds_to_wait

_REFUSALS_KEPT: Final = 300
# The lists show every command by its comment; ids are kept for the moment in which they do not yet.
_IDS_KEPT: Final = 100  # of each region, the newest


@dataclass(frozen=True)
class _Sending:
    sent: Sent
    resent_commands: frozenset[str]
    adopted: tuple[str, ...]


def dispatch(run: Run, regions: Regions, now: datetime) -> Run:
    """Look up the instances at this moment and send to them, in all regions at once.

    Doing it again is safe: what an earlier, interrupted try has sent is found by its comment and adopted. A region
    that does not answer, or refuses, is left for the next time, and what it said is kept.
    """
    looks = in_each(
        (part.region for part in run.plan), lambda region: look(regions, run, part_of(run, region))
    )
    views = results_of(looks)
    closing = is_closing(run, looks, now)
    judged = in_each(views, lambda region: _standings(run, regions, views[region], now, closing=closing))
    wanted = sendable(run, results_of(judged), closing=closing, now=now)
    results = in_each(
        results_of(judged), lambda region: _send(run, regions, views[region], wanted.get(region, ()), now)
    )
    errors = errors_of({**looks, **judged, **results})
    everyone = [one for some in results_of(judged).values() for one in some]
    proves = closing and bool(to_prove_again(run, everyone, now))
    return _record(run, results_of(results), errors, closing=closing, proves=proves, now=now)


def is_closing(run: Run, looks: Mapping[str, View | RegionError], now: datetime) -> bool:
    """Whether nobody has to be waited for any more: every command has ended everywhere, or time is over.

    A region that does not answer may have commands that go on; one that refuses will not say in this run.
    """
    return run.seconds_left(now) <= 0 or not any(
        isinstance(view, RegionUnavailable) or (isinstance(view, View) and not view.all_ended)
        for view in looks.values()
    )


def sendable(
    run: Run, standings: Mapping[str, list[Standing]], *, closing: bool, now: datetime
) -> dict[str, tuple[str, ...]]:
    """By region, the ids that a command should go to now.

    Args:
        closing: those confirmed long ago are asked once more, in the first half of the grace after the deadline too.
    """
    left = run.seconds_left(now)
    everyone = [one for some in standings.values() for one in some]
    may_prove = closing and left > -GRACE.total_seconds() / 2
    again = to_prove_again(run, everyone, now) if may_prove else set()
    # The shortest time a host's script takes; a little less is allowed so that a run with the
    # shortest timeout is not refused for the second that has passed since it began.
    in_time = left >= MIN_TIMEOUT_SECONDS / 2
    return {
        region: ids
        for region, some in standings.items()
        if (
            ids := tuple(
                one.instance.id for one in some if (one.sendable and in_time) or one.instance.id in again
            )
        )
    }


def part_of(run: Run, region: str) -> RegionPlan:
    """The plan's part for a region that is in it."""
    return next(part for part in run.plan if part.region == region)


def _standings(run: Run, regions: Regions, view: View, now: datetime, *, closing: bool) -> list[Standing]:
    action = run.request.action
    if closing:
        return all_standings(regions, view, action, run.refusals, now)
    seen = run.seen.get(view.region, {})
    standings = unsent_standings(regions, view, run.refusals, now)
    for command in view.commands:
        if command.completed > seen.get(command.id, Seen(0, 0)).confirmed and view.awaited(command):
            standings += ended_standings(regions, view, action, command, now)[0]
    return standings


def _send(run: Run, regions: Regions, view: View, ids: tuple[str, ...], now: datetime) -> _Sending:
    sent = Sent()
    if ids:
        sent = run_command.send(
            regions.ssm(view.region),
            run.request.action,
            ids,
            execution_timeout=max(MIN_TIMEOUT_SECONDS, int(run.seconds_left(now))),
            comment=run_command.comment(run.execution, run.sendings + 1),
        )
    return _Sending(
        sent,
        frozenset(view.last_command[one].id for one in ids if one in view.last_command),
        tuple(command.id for command in view.commands),
    )


def _record(
    run: Run,
    results: Mapping[str, _Sending],
    errors: Mapping[str, RegionError],
    *,
    closing: bool,
    proves: bool,
    now: datetime,
) -> Run:
    began = run.dispatched_at or now
    commands = dict(run.commands)
    seen = dict(run.seen)
    refusals = {region: str(error) for region, error in errors.items()}
    reached = 0
    for region, result in results.items():
        known = (*commands.get(region, ()), *result.adopted, *result.sent.command_ids)
        commands[region] = tuple(dict.fromkeys(known))[-_IDS_KEPT:]
        seen[region] = {
            command: one
            for command, one in seen.get(region, {}).items()
            if command not in result.resent_commands
        }
        refusals |= result.sent.refused
        reached += result.sent.instances
    # One that SSM keeps refusing is tried again and again: at the pace of the polls, or hours of it would fill the
    # execution's history. At the end there are only a few tries more.
    paced = seconds_to_wait((now - began).total_seconds(), run.seconds_left(now))
    return replace(
        run,
        commands=commands,
        sendings=run.sendings + 1,
        fruitless_sendings=run.fruitless_sendings + 1 if closing and not reached else 0,
        refusals=dict(islice(refusals.items(), _REFUSALS_KEPT)),
        seen=seen,
        proofs=run.proofs + proves,
        proven_from=now if proves else run.proven_from,
        dispatched_at=began,
        wait_seconds=SHORTEST_SECONDS if reached or closing else paced,
    )
