"""Building the report of a run that finished, and of one that an error ended."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from snow_white.model.action import Action
from snow_white.model.counts import counted
from snow_white.model.fleet import tag_texts
from snow_white.model.progress import Progress
from snow_white.model.report import ALL_INSTANCES, InstanceResult, Problem, Report, Result
from snow_white.model.run import Execution, Run
from snow_white.model.serialisation import to_json
from snow_white.model.state_budget import listed_bytes
from snow_white.model.stated_request import StatedRequest
from snow_white.model.verdict import CONFIRMED, HARMLESS, Verdict, in_words

if TYPE_CHECKING:
    from snow_white.judgement.assessment import Assessment

NOT_CONFIRMED_ERROR: Final = "NotConfirmed"
_MAX_LISTED: Final = 100
_MAX_IN_CAUSE: Final = 10
_MAX_PROCESSES: Final = 20
_MAX_REASON: Final = 500

R = TypeVar("R", bound=InstanceResult)


def final_report(
    run: Run,
    assessments: Mapping[str, Sequence[Assessment]],
    unavailable: Mapping[str, str],
    *,
    gone: Mapping[str, Sequence[str]],
    now: datetime,
) -> Report:
    """The report of a run that has finished.

    Args:
        assessments: by region, every instance that is there now.
        unavailable: the regions that did not answer, each with the reason; their instances are not known.
        gone: by region, the instances that were sent to and have ended.
    """
    everyone = [(region, one) for region, some in sorted(assessments.items()) for one in some]
    counts = Counter(one.judgement.verdict.value for _, one in everyone)
    ended = [_gone_instance(region, one) for region, some in sorted(gone.items()) for one in some]
    if ended:
        counts[Verdict.GONE.value] = len(ended)
    confirmed = sum(one.confirmed for _, one in everyone)
    # Regions come first: one that did not answer hides more than any instance.
    problems = [_region_problem(run, region, why) for region, why in sorted(unavailable.items())]
    problems += [
        Problem(**_fields(region, one))
        for region, one in everyone
        if one.judgement.verdict not in CONFIRMED | HARMLESS
    ]
    without_sidekiq = _results(everyone, HARMLESS)
    left_alone = counts[Verdict.LEFT_ALONE.value]
    cause = _cause(
        run.request.action,
        len(everyone),
        confirmed,
        problems,
        {"without Sidekiq": len(without_sidekiq) - left_alone, "left alone": left_alone},
        len(ended),
    )
    only_without_sidekiq = bool(without_sidekiq) and not ended
    if not problems and (
        run.request.is_scheduled or (run.request.drains_one_that_ends and only_without_sidekiq)
    ):
        cause = None
    room = _Room(listed_bytes(run.plan))
    listed_problems, more_problems = room.take(problems)
    hosts, more_hosts = None, None
    if run.request.action is Action.STATUS:
        reminder = run.request.reminder
        answered = _results(everyone, CONFIRMED)
        # A reminder counts its run's, so these are not the ones that have no room.
        answered.sort(key=lambda host: reminder is None or host.asleep_by != reminder.name)
        hosts, more_hosts = room.take(answered)
    listed_notes, more_notes = room.take([*without_sidekiq, *ended])
    return Report(
        result=Result.NOT_CONFIRMED if cause else Result.CONFIRMED,
        error=NOT_CONFIRMED_ERROR if cause else None,
        cause=cause,
        action=run.request.action.value,
        **_fleet(run, [one for _, one in everyone]),
        instance_ids=run.request.instances or None,
        regions=tuple(part.region for part in run.plan),
        requested_by=run.request.requested_by,
        started_at=run.execution.started_at,
        ended_at=now,
        duration_seconds=_seconds_since_start(run.execution, now),
        instances=len(everyone),
        counts=dict(counts),
        processes=dict(Counter(process.state for _, one in everyone for process in one.judgement.processes)),
        more_processes=sum(one.judgement.omitted for _, one in everyone),
        problems=listed_problems,
        more_problems=more_problems,
        notes=listed_notes,
        more_notes=more_notes,
        hosts=hosts,
        more_hosts=more_hosts,
        lease=run.lease,
    )


def _fleet(run: Run, everyone: Iterable[Assessment]) -> dict[str, Any]:
    """The report's fields about the fleet."""
    names = {one.name for part in run.plan for one in part.groups} | {one.instance.group for one in everyone}
    found = tuple(sorted(names - {""}))
    fleet = run.request.fleet
    if fleet.application:
        return {"application": fleet.application, "environments": found}
    return {
        "auto_scaling_groups": fleet.auto_scaling_groups or None,
        "tags": tag_texts(fleet.tags) or None,
        "groups": found,
    }


def failure_report(
    request: StatedRequest,
    execution: Execution,
    error: str,
    cause: str,
    now: datetime,
    so_far: Progress | None = None,
) -> Report:
    """The report of a run that an error ended, such as InvalidRequest, NothingMatched or RegionRefused.

    `so_far` is None if it ended before its instances were counted, so that nothing was sent.
    """
    return Report(
        result=Result.NOT_CONFIRMED,
        error=error,
        cause=cause,
        action=request.action,
        application=request.application,
        environments=request.environments,
        auto_scaling_groups=request.auto_scaling_groups,
        tags=request.tags,
        instance_ids=request.instances,
        regions=request.regions,
        requested_by=request.requested_by,
        started_at=execution.started_at,
        ended_at=now,
        duration_seconds=_seconds_since_start(execution, now),
        so_far=so_far,
    )


def problem_sentence(problem: InstanceResult) -> str:
    """One instance in words: where it is, its verdict and reason, and its processes that run jobs."""
    sentence = (
        f"{problem.environment} {problem.instance} ({problem.region}) "
        f"{in_words(problem.verdict)}: {problem.reason}"
    )
    busy = [
        f"process {process.pid}{' ' + process.tag if process.tag else ''}: {counted(process.busy, 'job')}"
        for process in problem.processes
        if process.busy
    ]
    return f"{sentence} [{', '.join(busy)}]" if busy else sentence


def _cause(
    action: Action,
    instances: int,
    confirmed: int,
    problems: Sequence[Problem],
    harmless: Mapping[str, int],
    gone: int,
) -> str | None:
    if problems:
        shown = "; ".join(problem_sentence(problem) for problem in problems[:_MAX_IN_CAUSE])
        more = len(problems) - _MAX_IN_CAUSE
        rest = f"; and {more} more" if more > 0 else ""
        return f"{confirmed} of {instances} instances are confirmed {action.result}. Not confirmed: {shown}{rest}."
    if not confirmed:
        there = ", ".join(f"{count} {what}" for what, count in harmless.items() if count) or "none running"
        left = f", {gone} gone since the start" if gone else ""
        return f"No worker was found that could be confirmed {action.result}: {there}{left}."
    return None


def _results(
    everyone: Iterable[tuple[str, Assessment]], verdicts: frozenset[Verdict]
) -> list[InstanceResult]:
    return [
        InstanceResult(**_fields(region, one))
        for region, one in everyone
        if one.judgement.verdict in verdicts
    ]


def _fields(region: str, assessment: Assessment) -> dict[str, Any]:
    judgement = assessment.judgement
    processes = sorted(judgement.processes, key=lambda process: -process.busy)
    return {
        "region": region,
        "environment": assessment.instance.group,
        "instance": assessment.instance.id,
        "verdict": judgement.verdict.value,
        "reason": judgement.reason[:_MAX_REASON],
        "processes": tuple(processes[:_MAX_PROCESSES]),
        "asleep_by": judgement.asleep_by,
        "more_processes": max(0, len(processes) - _MAX_PROCESSES) + judgement.omitted,
    }


def _region_problem(run: Run, region: str, why: str) -> Problem:
    names = [one.name for part in run.plan if part.region == region for one in part.groups]
    return Problem(
        region=region,
        environment=", ".join(names),
        instance=ALL_INSTANCES,
        verdict=Verdict.UNREACHABLE.value,
        reason=f"the region did not answer: {why}"[:_MAX_REASON],
    )


def _gone_instance(region: str, instance: str) -> InstanceResult:
    return InstanceResult(
        region=region,
        instance=instance,
        verdict=Verdict.GONE.value,
        reason="EC2 says that it was terminated or stopped",
    )


def _seconds_since_start(execution: Execution, now: datetime) -> int:
    return round((now - execution.started_at).total_seconds())


@dataclass
class _Room:
    """The bytes that a report's lists may still take: it must not burst the state that carries it."""

    left: int

    def take(self, results: Sequence[R]) -> tuple[tuple[R, ...], int]:
        """The results as far as they fit, and how many did not."""
        kept: list[R] = []
        for one in results:
            # A region hides more than any instance.
            never_cut = isinstance(one, Problem) and one.is_region
            if not never_cut and (len(kept) >= _MAX_LISTED or self.left <= 0):
                break
            self.left -= len(json.dumps(to_json(one)))
            kept.append(one)
        return tuple(kept), len(results) - len(kept)
