"""A run's metrics, as lines in CloudWatch's embedded metric format: no call, and nothing that could fail a run.

In the namespace SnowWhite, all by service, action and application:
    Runs, RunsConfirmed, RunsFailed; WorkersConfirmed
    RunSeconds: from the start of the execution; DrainSeconds: from the first command, of quiet and stop only
    Problems: also by verdict
An instance's id is never a dimension: each value would be a metric of its own, kept for 15 months and paid for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from snow_white.judgement.verdict import CONFIRMED, HARMLESS
from snow_white.model.request import Action
from snow_white.reporting.report import CONFIRMED_RESULT

UNKNOWN: Final = "unknown"
_DRAINS: Final = (Action.QUIET, Action.STOP)
_NO_PROBLEM: Final = frozenset(verdict.value for verdict in CONFIRMED | HARMLESS)


def emit(state: Mapping[str, Any], report: Mapping[str, Any]) -> None:
    """Write the lines of a run that has ended to stdout.

    Args:
        state: the run as far as it came. An application for which nothing was found counts as unknown, because what
            somebody mistyped must not become a metric of its own.
    """
    planned = bool(state.get("plan"))
    of_run = _metrics(report, planned=planned)
    confirmed = report["result"] == CONFIRMED_RESULT
    counts = report["counts"]
    of_run.add_metric("Runs", MetricUnit.Count, 1)
    of_run.add_metric("RunsConfirmed", MetricUnit.Count, int(confirmed))
    of_run.add_metric("RunsFailed", MetricUnit.Count, int(not confirmed))
    of_run.add_metric(
        "WorkersConfirmed", MetricUnit.Count, sum(counts.get(verdict.value, 0) for verdict in CONFIRMED)
    )
    of_run.add_metric("RunSeconds", MetricUnit.Seconds, report["duration_seconds"])
    if state.get("dispatched_at") and report.get("action") in _DRAINS:
        drained = datetime.fromisoformat(report["ended_at"]) - datetime.fromisoformat(state["dispatched_at"])
        of_run.add_metric("DrainSeconds", MetricUnit.Seconds, max(0.0, drained.total_seconds()))
    of_run.flush_metrics()
    for verdict, count in _problems(report).items():
        of_verdict = _metrics(report, planned=planned)
        of_verdict.add_dimension("verdict", verdict)
        of_verdict.add_metric("Problems", MetricUnit.Count, count)
        of_verdict.flush_metrics()


def _metrics(report: Mapping[str, Any], *, planned: bool) -> EphemeralMetrics:
    metrics = EphemeralMetrics()
    action = report.get("action")
    metrics.add_dimension("action", action if action in list(Action) else UNKNOWN)
    metrics.add_dimension("application", _value(report.get("application")) if planned else UNKNOWN)
    return metrics


def _problems(report: Mapping[str, Any]) -> Counter[str]:
    """By verdict; for a run that named no instance, by its error: NothingMatched, InvalidRequest, and so on."""
    problems = Counter({v: count for v, count in report["counts"].items() if v not in _NO_PROBLEM})
    silent_regions = sum(row["instance"] == "all" for row in report["problems"])
    if silent_regions:
        problems["unreachable"] += silent_regions
    if not problems and report["result"] != CONFIRMED_RESULT:
        problems[str(report["error"] or UNKNOWN)] = 1
    return problems


def _value(text: object) -> str:
    """A dimension's value is ASCII, and starts with no colon."""
    return str(text).encode("ascii", "replace").decode().lstrip(":").strip() or UNKNOWN
