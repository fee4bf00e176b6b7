"""The CloudWatch dashboard: runs, failures, problems by verdict, drain times, and the functions' errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

NAMESPACE: Final = "SnowWhite"
_BY_RUN: Final = "service,action,application"
_BY_APPLICATION: Final = "service,application"
_BY_VERDICT: Final = "service,action,application,verdict"
_WIDTH: Final = 24
_HALF: Final = _WIDTH // 2
_DAY: Final = Duration.days(1)
_SHORT: Final = Duration.minutes(5)

_GREEN: Final = cloudwatch.Color.GREEN
_RED: Final = cloudwatch.Color.RED
_GREY: Final = cloudwatch.Color.GREY
_FROM_ZERO: Final = cloudwatch.YAxisProps(min=0)


class Dashboard(Construct):
    """The dashboard `SnowWhite`; the most important row comes first.

    Metrics of runs come from a search, so a new application appears without a new deployment.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        machine: sfn.IStateMachine,
        functions: Mapping[str, lambda_.IFunction],
    ) -> None:
        super().__init__(scope, construct_id)
        self._machine = machine
        self._functions = functions
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=NAMESPACE,
            default_interval=Duration.days(7),
            period_override=cloudwatch.PeriodOverride.INHERIT,
            widgets=[
                [self._build_totals()],
                [self._build_runs(), self._build_failures()],
                [self._build_problems(), self._build_workers()],
                [self._build_drains(), self._build_durations()],
                [self._build_sleeping()],
                [self._build_function_errors(), self._build_function_durations()],
            ],
        )

    def _build_totals(self) -> cloudwatch.IWidget:
        machine = self._machine
        return cloudwatch.SingleValueWidget(
            title="Runs in the selected time range",
            width=_WIDTH,
            height=4,
            set_period_to_time_range=True,
            metrics=[
                machine.metric_started(label="started", statistic="Sum", period=_DAY),
                machine.metric_succeeded(label="confirmed", statistic="Sum", period=_DAY, color=_GREEN),
                machine.metric_failed(label="failed", statistic="Sum", period=_DAY, color=_RED),
                machine.metric_timed_out(label="timed out", statistic="Sum", period=_DAY, color=_RED),
                machine.metric_aborted(label="aborted", statistic="Sum", period=_DAY, color=_GREY),
            ],
        )

    def _build_runs(self) -> cloudwatch.IWidget:
        return _graph("Runs by action and application", _search("Runs", "Sum"), stacked=True)

    def _build_failures(self) -> cloudwatch.IWidget:
        return _graph("Failed runs by action and application", _search("RunsFailed", "Sum"), stacked=True)

    def _build_problems(self) -> cloudwatch.IWidget:
        return _graph("Problems by verdict", _search("Problems", "Sum", dimensions=_BY_VERDICT), stacked=True)

    def _build_workers(self) -> cloudwatch.IWidget:
        return _graph("Confirmed workers", _search("WorkersConfirmed", "Sum"), stacked=True)

    def _build_drains(self) -> cloudwatch.IWidget:
        return _graph("Longest drain (seconds)", _search("DrainSeconds", "Maximum"))

    def _build_durations(self) -> cloudwatch.IWidget:
        return _graph("Longest run (seconds)", _search("RunSeconds", "Maximum"))

    def _build_sleeping(self) -> cloudwatch.IWidget:
        return _graph("Workers that still sleep", _search("Sleeping", "Maximum", dimensions=_BY_APPLICATION))

    def _build_function_errors(self) -> cloudwatch.IWidget:
        return cloudwatch.GraphWidget(
            title="Errors and throttles of the functions",
            width=_HALF,
            left=[
                metric
                for name, function in self._functions.items()
                for metric in (
                    function.metric_errors(label=f"{name} errors", period=_SHORT),
                    function.metric_throttles(label=f"{name} throttles", period=_SHORT),
                )
            ],
            left_y_axis=_FROM_ZERO,
        )

    def _build_function_durations(self) -> cloudwatch.IWidget:
        return cloudwatch.GraphWidget(
            title="Duration of the functions (99th percentile)",
            width=_HALF,
            left=[
                function.metric_duration(label=name, statistic="p99", period=_SHORT)
                for name, function in self._functions.items()
            ],
            left_y_axis=_FROM_ZERO,
        )


def _search(metric: str, statistic: str, dimensions: str = _BY_RUN) -> cloudwatch.IMetric:
    """All metrics of that name: one line per action and application (and verdict)."""
    found = f'{{{NAMESPACE},{dimensions}}} MetricName="{metric}"'
    return cloudwatch.MathExpression(
        expression=f"SEARCH('{found}', '{statistic}', 3600)",
        using_metrics={},
        label="",
        period=Duration.hours(1),
    )


def _graph(title: str, metric: cloudwatch.IMetric, *, stacked: bool = False) -> cloudwatch.IWidget:
    return cloudwatch.GraphWidget(
        title=title, width=_HALF, left=[metric], stacked=stacked, left_y_axis=_FROM_ZERO
    )
