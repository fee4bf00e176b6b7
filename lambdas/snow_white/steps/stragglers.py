"""Stragglers: asking instances whose command goes on for long how many jobs they run, and whether it has arrived.

Run Command shows nothing of a script before it has ended, and a command that was lost on its way reads as in progress
too. So every few minutes some of these instances are sent the status document, which changes nothing and runs beside
the other script.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
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
        # To ask would be to send the same command once more, so that is what is done.
        late = in_each(
            snapshots,
            lambda region: instances_in_progress(
                regions, snapshots[region], run.members_in(region), ASKED_AT_ONCE, first=turn
            ),
        )
        lost = tuple(sorted(one.id for some in results_of(late).values() for one in some))
        return replace(run, stragglers=replace(known, asked_at=now, lost=lost))
    sent = in_each(snapshots, lambda region: _ask(run, regions, snapshots[region], turn))
    commands = {region: id_ for region, id_ in results_of(sent).items() if id_}
    return replace(run, stragglers=replace(known, commands=commands, asked_at=now))


def _ask(run: Run, regions: Regions, snapshot: RegionSnapshot, turn: int) -> str | None:
    """Those who have not answered the last time, and others."""
    members = run.members_in(snapshot.region)
    silent = instances_in_progress(
        regions, snapshot, members, ASKED_AT_ONCE, among=run.stragglers.unanswered.keys()
    )
    others = instances_in_progress(regions, snapshot, members, ASKED_AT_ONCE, first=turn)
    ids = list(dict.fromkeys(one.id for one in [*silent, *others]))[:ASKED_AT_ONCE]
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


def _read_answers(
    run: Run, regions: Regions, snapshots: Mapping[str, RegionSnapshot], now: datetime
) -> Stragglers:
    """What was answered, once all have or nobody waits any longer."""
    known = run.stragglers
    assert known.asked_at is not None
    found = in_each(
        [region for region in known.commands if region in snapshots],
        lambda region: run_command.invocations(regions.ssm(region), known.commands[region]),
    )
    answered = results_of(found)
    complete = len(answered) == len(known.commands) and all(
        one.ended for some in answered.values() for one in some
    )
    if not complete and now - known.asked_at < ANSWER_WITHIN:
        return known
    asked = {region: {one.instance_id for one in some} for region, some in answered.items()}
    going = results_of(
        in_each(
            asked,
            lambda region: instances_in_progress(
                regions,
                snapshots[region],
                run.members_in(region),
                ASKED_AT_ONCE,
                among=asked[region],
            ),
        )
    )
    stragglers = [
        Straggler(region, instance.group, instance.id, _jobs(instance, answered[region]))
        for region, some in going.items()
        for instance in some
    ]
    stragglers.sort(key=lambda one: -1 if one.jobs is None else one.jobs, reverse=True)
    listed = tuple(stragglers[:_LISTED])
    others = sum(snapshot.in_progress_count for snapshot in snapshots.values()) - len(listed)
    answers = [one for some in answered.values() for one in some]
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
        unanswered=_unanswered(known, answers),
        lost=tuple(sorted(awaited & _without_command(answers))),
        known_at=now,
    )


def _without_command(answers: Iterable[run_command.Invocation]) -> set[str]:
    """Ids of the instances that say that no command is at work there: one that is in progress was lost on the way."""
    answered = {one.instance_id: parse_answer(one.output) for one in answers if one.ended}
    return {id_ for id_, answer in answered.items() if answer and answer.at_work == NOTHING_AT_WORK}


def _unanswered(known: Stragglers, answers: Iterable[run_command.Invocation]) -> dict[str, datetime]:
    """Who has not answered the last time that it was asked, each with the first time that it did not."""
    assert known.asked_at is not None
    silent = {
        one.instance_id: known.unanswered.get(one.instance_id, known.asked_at)
        for one in answers
        if not one.ended
    }
    return dict(islice(silent.items(), _UNANSWERED_KEPT))


def _jobs(instance: Instance, invocations: Iterable[run_command.Invocation]) -> int | None:
    for one in invocations:
        if one.instance_id == instance.id and one.ended:
            answer = parse_answer(one.output)
            return sum(process.busy for process in answer.processes) if answer else None
    return None
