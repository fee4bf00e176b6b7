"""Stragglers: asking instances whose command goes on for long how many jobs they run, and whether it has arrived.

Run Command shows nothing of a script before it has ended, and a command that was lost on its way reads as in progress
too. So every few minutes some of these instances are sent the status document, which changes nothing and runs beside
the other script.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from snow_white.aws import run_command
from snow_white.aws.regions import Regions, in_each, results_of
from snow_white.judgement.host_answer import NOTHING_AT_WORK, parse_answer
from snow_white.judgement.snapshot import RegionSnapshot, instances_in_progress
from snow_white.model.action import Action
from snow_white.model.durations import MIN_TIMEOUT_SECONDS
from snow_white.model.fleet import Instance
from snow_white.model.run import Run
from snow_white.model.stragglers import Straggler, Stragglers

_FIRST_ASKED_AFTER: Final = timedelta(minutes=2)
ASK_EVERY: Final = timedelta(minutes=5)
ANSWER_WITHIN: Final = timedelta(seconds=90)
ASKED_AT_ONCE: Final = 50  # in each region: one command
_LISTED: Final = 10
_UNANSWERED_KEPT: Final = 200


def update_stragglers(
    run: Run, regions: Regions, snapshots: Mapping[str, RegionSnapshot], now: datetime
) -> Run:
    """Read answers that are there, and ask again when it is time.

    A region that refuses or does not answer is no error: its hosts' jobs stay unknown.
    """
    if run.dispatched_at is None:
        return run
    known = run.stragglers
    if known.commands and known.asked_at is not None:
        return replace(run, stragglers=_read_answers(run, regions, snapshots, now))
    last = known.asked_at
    is_time = now - last >= ASK_EVERY if last else now - run.dispatched_at >= _FIRST_ASKED_AFTER
    if not is_time or run.seconds_left(now) < MIN_TIMEOUT_SECONDS:
        return run
    turn = int((now - run.dispatched_at) / ASK_EVERY)
    if run.request.action is Action.STATUS:
        return replace(run, stragglers=_late_for_status(run, regions, snapshots, turn, now))
    sent = in_each(snapshots, lambda region: _ask(run, regions, snapshots[region], turn))
    commands = {region: id_ for region, id_ in results_of(sent).items() if id_}
    return replace(run, stragglers=replace(known, commands=commands, asked_at=now))


def _late_for_status(
    run: Run, regions: Regions, snapshots: Mapping[str, RegionSnapshot], turn: int, now: datetime
) -> Stragglers:
    """To ask would be to send the same command once more, so that is what is done: each counts as lost."""
    found = in_each(
        snapshots,
        lambda region: instances_in_progress(
            regions, snapshots[region], run.members_in(region), ASKED_AT_ONCE, first=turn
        ),
    )
    late = {region: {one.id for one in some} for region, some in results_of(found).items()}
    going = _still_going(run, regions, snapshots, late)
    ids = sorted(set().union(*late.values()))
    known = replace(run.stragglers, asked_at=now, lost=tuple(ids))
    return replace(known, unanswered=_unanswered(known, snapshots, going, silent=ids))


def _ask(run: Run, regions: Regions, snapshot: RegionSnapshot, turn: int) -> str | None:
    ids = _whom_to_ask(run, regions, snapshot, turn)
    if not ids:
        return None
    sent = run_command.send(
        regions.ssm(snapshot.region),
        Action.STATUS,
        ids,
        execution_timeout=MIN_TIMEOUT_SECONDS,
        comment=run_command.comment(run.execution, 0),
    )
    return sent.command_ids[0] if sent.command_ids else None


def _whom_to_ask(run: Run, regions: Regions, snapshot: RegionSnapshot, turn: int) -> list[str]:
    """First those that may be silent, until that is certain; last those that certainly are, which may come back."""
    silent = snapshot.silent.keys()
    maybe_silent = run.stragglers.unanswered.keys() - silent
    others = snapshot.last_command.keys() - silent - maybe_silent
    ids: list[str] = []
    for some in (maybe_silent, others, silent):
        if some and len(ids) < ASKED_AT_ONCE:
            members = run.members_in(snapshot.region)
            most = ASKED_AT_ONCE - len(ids)
            found = instances_in_progress(regions, snapshot, members, most, first=turn, among=some)
            ids += [one.id for one in found]
    return ids


def _read_answers(
    run: Run, regions: Regions, snapshots: Mapping[str, RegionSnapshot], now: datetime
) -> Stragglers:
    """What was answered, once all have or nobody waits any longer."""
    known = run.stragglers
    assert known.asked_at is not None
    asked = [region for region in known.commands if region in snapshots]
    found = results_of(in_each(asked, lambda region: _answers(regions, region, known.commands[region])))
    complete = len(found) == len(known.commands) and all(has_all for _, has_all in found.values())
    if not complete and now - known.asked_at < ANSWER_WITHIN:
        return known
    rows = {region: some for region, (some, _) in found.items()}
    ids = {region: {one.instance_id for one in some} for region, some in rows.items()}
    going = _still_going(run, regions, snapshots, ids)
    stragglers = [
        Straggler(region, instance.group, instance.id, _jobs(instance, rows[region]))
        for region, some in going.items()
        for instance in some
    ]
    stragglers.sort(key=lambda one: -1 if one.jobs is None else one.jobs, reverse=True)
    listed = tuple(stragglers[:_LISTED])
    others = sum(snapshot.in_progress_count for snapshot in snapshots.values()) - len(listed)
    answers = [one for some in rows.values() for one in some]
    # What was sent after the question may not have been there when it was answered.
    awaited = {
        instance.id
        for region, some in going.items()
        for instance in some
        if snapshots[region].last_command[instance.id].requested_at <= known.asked_at
    }
    return Stragglers(
        asked_at=known.asked_at,
        listed=listed,
        more=max(0, others),
        unanswered=_unanswered(
            known,
            snapshots,
            going,
            silent=[one.instance_id for one in answers if not one.ended],
            answered={one.instance_id for one in answers if one.ended},
        ),
        lost=tuple(sorted(awaited & _without_command(answers))),
        known_at=now,
    )


def _answers(regions: Regions, region: str, command_id: str) -> tuple[list[run_command.Invocation], bool]:
    """The command's rows, and whether each instance that was asked has ended it: the list may not show all yet."""
    command = run_command.command_by_id(regions.ssm(region), command_id)
    rows = run_command.invocations(regions.ssm(region), command_id)
    return rows, {one.instance_id for one in rows if one.ended}.issuperset(command.instance_ids)


def _still_going(
    run: Run,
    regions: Regions,
    snapshots: Mapping[str, RegionSnapshot],
    ids: Mapping[str, Collection[str]],
) -> dict[str, list[Instance]]:
    """By region, those of these instances, and of the ones that were silent before, on which a command goes on."""
    unanswered = run.stragglers.unanswered
    return results_of(
        in_each(
            ids,
            lambda region: instances_in_progress(
                regions,
                snapshots[region],
                run.members_in(region),
                ASKED_AT_ONCE + _UNANSWERED_KEPT,
                among={*ids[region], *unanswered},
            ),
        )
    )


def _without_command(answers: Iterable[run_command.Invocation]) -> set[str]:
    """Ids of the instances that say that no command is at work there: one that is in progress was lost on the way."""
    answered = {one.instance_id: parse_answer(one.output) for one in answers if one.ended}
    return {id_ for id_, answer in answered.items() if answer and answer.at_work == NOTHING_AT_WORK}


def _unanswered(
    known: Stragglers,
    snapshots: Mapping[str, RegionSnapshot],
    going: Mapping[str, Iterable[Instance]],
    *,
    silent: Iterable[str],
    answered: Collection[str] = (),
) -> dict[str, datetime]:
    """Who has not answered the last time that it was asked, each with the first time that it did not.

    A host of which this round tells nothing, because it was not asked, or its row or region is not shown, stays as it
    was known.
    """
    assert known.asked_at is not None
    over = {id_ for region in going for id_ in snapshots[region].last_command}
    over -= {one.id for some in going.values() for one in some}
    kept = {id_: since for id_, since in known.unanswered.items() if id_ not in over and id_ not in answered}
    merged = {**dict.fromkeys(silent, known.asked_at), **kept}
    # When there are too many, those that have been known for longer are sooner certain.
    return dict(sorted(merged.items(), key=lambda one: one[1])[:_UNANSWERED_KEPT])


def _jobs(instance: Instance, invocations: Iterable[run_command.Invocation]) -> int | None:
    for one in invocations:
        if one.instance_id == instance.id and one.ended:
            answer = parse_answer(one.output)
            return sum(process.busy for process in answer.processes) if answer else None
    return None
