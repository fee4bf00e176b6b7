"""The report: how a run ended, in counts, names and sentences.

Shape (all of it JSON):
    result: "confirmed" or "not_confirmed"
    error, cause: null for a confirmed run; else the error's name and a sentence, as the execution's Fail state shows
    action, application, environments, regions, requested_by: what was asked, and where it was found
    instances: how many were judged; counts: {verdict: how many}; processes: {state: how many} that the hosts listed,
        and more_processes: how many they left out for the length of their answers
    problems: every instance that is not confirmed,
        [{region, environment, instance, verdict, reason, processes, more_processes}]
    more_problems: how many were left out of `problems`
    notes: instances without Sidekiq, [{region, environment, instance, verdict, reason, processes}], and
        more_notes: how many were left out
    hosts: for `status`, each host's processes, in the same shape, and more_hosts
    started_at, ended_at (ISO 8601), duration_seconds
    slack: {delivered, told, not_told}, filled in by notify_slack
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from snow_white.judgement.assessment import Standing
from snow_white.judgement.host_answer import CONFIRMATION
from snow_white.judgement.verdict import CONFIRMED, HARMLESS, Verdict
from snow_white.model.limits import bounded
from snow_white.model.request import Action
from snow_white.model.run import Execution, Run

CONFIRMED_RESULT: Final = "confirmed"
NOT_CONFIRMED_RESULT: Final = "not_confirmed"
_ASKED: Final = ("action", "application", "environments", "regions", "requested_by")
_MAX_LISTED: Final = 100
_MAX_LISTED_BYTES: Final = 60_000  # of each list: a state may have 256 KB in all
_MAX_IN_CAUSE: Final = 10
_MAX_PROCESSES: Final = 20
_MAX_REASON: Final = 500


def final_report(
    run: Run,
    standings: Mapping[str, Sequence[Standing]],
    silent: Mapping[str, str],
    *,
    gone: int,
    now: datetime,
) -> dict[str, Any]:
    """The report of a run that has come to its end.

    Args:
        standings: by region, every instance that is there now.
        silent: by region that did not answer, why; nothing can be said of its instances.
        gone: how many instances were sent to and are not there any more.
    """
    everyone = [(region, one) for region, some in sorted(standings.items()) for one in some]
    counts = Counter(one.judgement.verdict.value for _, one in everyone)
    if gone:
        counts[Verdict.GONE.value] = gone
    confirmed = sum(one.judgement.verdict in CONFIRMED for _, one in everyone)
    bad = [(region, one) for region, one in everyone if one.judgement.verdict not in CONFIRMED | HARMLESS]
    problems = [_row(region, one) for region, one in bad]
    problems += [
        {
            "region": region,
            "environment": ", ".join(
                e.name for part in run.plan if part.region == region for e in part.environments
            ),
            "instance": "all",
            "verdict": Verdict.UNREACHABLE.value,
            "reason": f"the region did not answer: {why}"[:_MAX_REASON],
            "processes": [],
            "more_processes": 0,
        }
        for region, why in sorted(silent.items())
    ]
    notes = [_row(region, one) for region, one in everyone if one.judgement.verdict in HARMLESS]
    cause = _cause(run.request.action, len(everyone), confirmed, problems, notes, gone)
    report = _frame(run, now) | {
        "result": NOT_CONFIRMED_RESULT if cause else CONFIRMED_RESULT,
        "error": "NotConfirmed" if cause else None,
        "cause": cause,
        "instances": len(everyone),
        "counts": dict(counts),
        "processes": dict(
            sum((Counter(p.state for p in one.judgement.processes) for _, one in everyone), Counter())
        ),
        "more_processes": sum(one.judgement.omitted for _, one in everyone),
        **_listed("problems", problems),
        **_listed("notes", notes),
    }
    if run.request.action is Action.STATUS:
        hosts = [_row(region, one) for region, one in everyone if one.judgement.verdict in CONFIRMED]
        report |= _listed("hosts", hosts)
    return report


def failure_report(
    request: Mapping[str, Any], execution: Execution, error: str, cause: str, now: datetime
) -> dict[str, Any]:
    """The report of a run that an error ended: an invalid request, nothing matched, a region that refuses.

    Args:
        request: the input as far as it can be read; may be anything that JSON allows in its values, of any size. The
            state that carries the report has the request too, and must not burst.
    """
    return {
        "result": NOT_CONFIRMED_RESULT,
        "error": error,
        "cause": cause,
        **{key: bounded(request.get(key)) for key in _ASKED},
        "instances": 0,
        "counts": {},
        "processes": {},
        "more_processes": 0,
        "problems": [],
        "more_problems": 0,
        "notes": [],
        "more_notes": 0,
        **_times(execution, now),
    }


def problem_sentence(problem: Mapping[str, Any]) -> str:
    """One instance as a person reads it: where it is, what is wrong, and who is busy with how many jobs."""
    sentence = (
        f"{problem['environment']} {problem['instance']} ({problem['region']}) "
        f"{problem['verdict'].replace('_', ' ')}: {problem['reason']}"
    )
    busy = [
        f"process {process['pid']}{' ' + process['tag'] if process['tag'] else ''}: {_jobs(process['busy'])}"
        for process in problem["processes"]
        if process["busy"]
    ]
    return f"{sentence} [{', '.join(busy)}]" if busy else sentence


def _cause(
    action: Action,
    instances: int,
    confirmed: int,
    problems: Sequence[Mapping[str, Any]],
    notes: Sequence[Mapping[str, Any]],
    gone: int,
) -> str | None:
    done = CONFIRMATION[action]
    if problems:
        shown = "; ".join(problem_sentence(problem) for problem in problems[:_MAX_IN_CAUSE])
        more = len(problems) - _MAX_IN_CAUSE
        rest = f"; and {more} more" if more > 0 else ""
        return f"{confirmed} of {instances} instances are confirmed {done}. Not confirmed: {shown}{rest}."
    if not confirmed:
        there = f"{len(notes)} without Sidekiq" if notes else "none running"
        left = f", {gone} gone since the start" if gone else ""
        return f"No worker was found that could be confirmed {done}: {there}{left}."
    return None


def _frame(run: Run, now: datetime) -> dict[str, Any]:
    return {
        "action": run.request.action.value,
        "application": run.request.application,
        "environments": sorted({one.name for part in run.plan for one in part.environments}),
        "regions": [part.region for part in run.plan],
        "requested_by": run.request.requested_by,
        **_times(run.execution, now),
    }


def _times(execution: Execution, now: datetime) -> dict[str, Any]:
    return {
        "started_at": execution.started_at.isoformat(),
        "ended_at": now.isoformat(),
        "duration_seconds": round((now - execution.started_at).total_seconds()),
    }


def _row(region: str, standing: Standing) -> dict[str, Any]:
    processes = sorted(standing.judgement.processes, key=lambda process: -process.busy)
    return {
        "region": region,
        "environment": standing.instance.environment,
        "instance": standing.instance.id,
        "verdict": standing.judgement.verdict.value,
        "reason": standing.judgement.reason[:_MAX_REASON],
        "processes": [asdict(process) for process in processes[:_MAX_PROCESSES]],
        "more_processes": max(0, len(processes) - _MAX_PROCESSES) + standing.judgement.omitted,
    }


def _listed(name: str, rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The rows as far as they fit, and how many did not: a report must not burst the state that carries it."""
    kept: list[dict[str, Any]] = []
    size = left_out = 0
    for row in rows:
        size += len(json.dumps(row))
        if len(kept) < _MAX_LISTED and size <= _MAX_LISTED_BYTES:
            kept.append(row)
        else:
            left_out += 1
    return {name: kept, f"more_{name}": left_out}


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"
