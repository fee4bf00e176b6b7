"""Asking those who take long how many jobs they still run.

Run Command shows nothing of a script before it has ended, so a host that drains for hours is silent. Now and then a
few of the silent ones are sent the status document, which looks and touches nothing, also beside a drain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from snow_white.aws import run_command
from snow_white.aws.instances import Instance
from snow_white.aws.regions import Regions, in_each, results_of
from snow_white.judgement.assessment import View, silent_instances
from snow_white.judgement.host_answer import parse_answer
from snow_white.model.request import MIN_TIMEOUT_SECONDS, Action
from snow_white.model.run import Run
from snow_white.model.stragglers import Asking, Awaited

LONG: Final = timedelta(minutes=2)
ASK_EVERY: Final = timedelta(minutes=5)
ANSWER_WITHIN: Final = timedelta(seconds=90)
ASKED_AT_ONCE: Final = 10  # in each region
_DRAINS: Final = frozenset({Action.QUIET, Action.STOP})


def ask_the_silent(run: Run, regions: Regions, views: Mapping[str, View], now: datetime) -> Run:
    """Read answers that are there, and ask again when it is time.

    It only makes the message better, so a region that refuses or does not answer is no error: its hosts' jobs stay
    unknown.
    """
    if run.request.action not in _DRAINS or run.dispatched_at is None:
        return run
    asking = run.asking
    if asking.commands and asking.asked_at is not None:
        return replace(run, asking=_answers(asking, regions, views, now))
    last = asking.asked_at
    is_time = now - last >= ASK_EVERY if last else now - run.dispatched_at >= LONG
    if not is_time or run.seconds_left(now) < MIN_TIMEOUT_SECONDS:
        return run
    sent = in_each(views, lambda region: _ask(run, regions, views[region]))
    commands = {region: id_ for region, id_ in results_of(sent).items() if id_}
    return replace(run, asking=replace(asking, commands=commands, asked_at=now))


def _ask(run: Run, regions: Regions, view: View) -> str | None:
    silent = silent_instances(regions, view, ASKED_AT_ONCE)
    if not silent:
        return None
    sent = run_command.send(
        regions.ssm(view.region),
        Action.STATUS,
        [one.id for one in silent],
        execution_timeout=MIN_TIMEOUT_SECONDS,
        comment=run_command.comment(run.execution, 0),
    )
    return sent.command_ids[0] if sent.command_ids else None


def _answers(asking: Asking, regions: Regions, views: Mapping[str, View], now: datetime) -> Asking:
    """What was answered, once all have or nobody waits any longer."""
    assert asking.asked_at is not None
    found = in_each(
        [region for region in asking.commands if region in views],
        lambda region: run_command.invocations(regions.ssm(region), asking.commands[region]),
    )
    answered = results_of(found)
    complete = len(answered) == len(asking.commands) and all(
        one.ended for some in answered.values() for one in some
    )
    if not complete and now - asking.asked_at < ANSWER_WITHIN:
        return asking
    silent = in_each(views, lambda region: silent_instances(regions, views[region], ASKED_AT_ONCE))
    awaited = [
        Awaited(region, instance.environment, instance.id, _jobs(instance, answered.get(region, ())))
        for region, some in results_of(silent).items()
        for instance in some
    ]
    awaited.sort(key=lambda one: -1 if one.jobs is None else one.jobs, reverse=True)
    shown = tuple(awaited[:ASKED_AT_ONCE])
    others = sum(view.silent_count for view in views.values()) - len(shown)
    return Asking({}, asking.asked_at, shown, max(0, others), now)


def _jobs(instance: Instance, invocations: Iterable[run_command.Invocation]) -> int | None:
    for one in invocations:
        if one.instance_id == instance.id and one.ended:
            answer = parse_answer(one.output)
            return sum(process.busy for process in answer.processes) if answer else None
    return None
