"""A run's metrics, written to stdout in CloudWatch's embedded metric format: no API call that could fail a run.

In the namespace SnowWhite, by service, action and application:
    Runs, RunsConfirmed, RunsFailed: 0 or 1
    WorkersConfirmed: the number of confirmed instances
    RunSeconds: since the start of the execution
    DrainSeconds: since the first command; for quiet and stop only
    Problems: the number of instances that are not confirmed, also by verdict
A look at workers that a run has put to sleep writes one metric, by service, and by service and application:
    Sleeping: the number of processes that still sleep
An instance's id is never a dimension: CloudWatch would keep, and charge, one metric for each instance.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from snow_white.model.ended_run import EndedRun
from snow_white.model.fleet import fleet_name
from snow_white.model.report import Report
from snow_white.model.verdict import CONFIRMED, HARMLESS, Verdict

UNKNOWN: Final = "unknown"
_LONGEST_VALUE: Final = 250  # characters; a request may name many groups
_NO_PROBLEM: Final = frozenset(verdict.value for verdict in CONFIRMED | HARMLESS)


def emit(ended: EndedRun, report: Report) -> None:
    """Write the metrics of a run that has ended.

    The application, or what is selected in place of one, is "unknown" if the run has no plan, so that a mistyped name
    does not become a metric.
    """
    planned = bool(ended.plan)
    of_run = _metrics(report, planned=planned)
    of_run.add_metric("Runs", MetricUnit.Count, 1)
    of_run.add_metric("RunsConfirmed", MetricUnit.Count, int(report.confirmed))
    of_run.add_metric("RunsFailed", MetricUnit.Count, int(not report.confirmed))
    of_run.add_metric(
        "WorkersConfirmed",
        MetricUnit.Count,
        sum(report.counts.get(verdict.value, 0) for verdict in CONFIRMED),
    )
    of_run.add_metric("RunSeconds", MetricUnit.Seconds, report.duration_seconds)
    action = report.known_action
    if ended.dispatched_at and report.ended_at and action is not None and action.drains:
        drained = report.ended_at - ended.dispatched_at
        of_run.add_metric("DrainSeconds", MetricUnit.Seconds, max(0.0, drained.total_seconds()))
    of_run.flush_metrics()
    for verdict, count in _problems(report).items():
        of_verdict = _metrics(report, planned=planned)
        of_verdict.add_dimension("verdict", verdict)
        of_verdict.add_metric("Problems", MetricUnit.Count, count)
        of_verdict.flush_metrics()


def emit_sleeping(processes: int, application: str) -> None:
    """Write how many processes a look has found asleep, for the fleet and for all fleets together: an alarm needs one
    metric whose dimensions are known beforehand.
    """
    for fleet in (application, ""):
        sleeping = EphemeralMetrics()
        if fleet:
            sleeping.add_dimension("application", _value(fleet))
        sleeping.add_metric("Sleeping", MetricUnit.Count, processes)
        sleeping.flush_metrics()


def _metrics(report: Report, *, planned: bool) -> EphemeralMetrics:
    metrics = EphemeralMetrics()
    action = report.known_action
    metrics.add_dimension("action", action.value if action else UNKNOWN)
    fleet = fleet_name(report.application, report.auto_scaling_groups, report.tags)
    metrics.add_dimension("application", _value(fleet) if planned else UNKNOWN)
    return metrics


def _problems(report: Report) -> Counter[str]:
    """The number of problems by verdict; without any, 1 by the run's error: NothingMatched, InvalidRequest, ..."""
    problems = Counter({v: count for v, count in report.counts.items() if v not in _NO_PROBLEM})
    silent_regions = sum(problem.is_region for problem in report.problems)
    if silent_regions:
        problems[Verdict.UNREACHABLE] += silent_regions
    if not problems and not report.confirmed:
        problems[report.error or UNKNOWN] = 1
    return problems


def _value(text: object) -> str:
    """The text as CloudWatch accepts it as a dimension's value: ASCII, without a colon at the start."""
    return str(text).encode("ascii", "replace").decode().lstrip(":")[:_LONGEST_VALUE].strip() or UNKNOWN
