"""The dashboard shows the most important metrics first, and only metrics that the functions write."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.infra.templates import Template, text

ROOT = Path(__file__).parents[2]


@pytest.fixture
def widgets(home: Template) -> list[dict[str, Any]]:
    body = text(home.only("AWS::CloudWatch::Dashboard")["DashboardBody"])
    found: list[dict[str, Any]] = json.loads(body)["widgets"]
    return found


def searches(widgets: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """(dimensions, metric) of every search."""
    metrics = [metric for widget in widgets for metric in widget["properties"].get("metrics", [])]
    expressions = [metric[0]["expression"] for metric in metrics if isinstance(metric[0], dict)]
    return [
        (found[1], found[2])
        for expression in expressions
        if (found := re.match(r"SEARCH\('\{SnowWhite,([\w,]+)\} MetricName=\"(\w+)\"'", expression))
    ]


def test_the_widgets_are_in_this_order(
    widgets: list[dict[str, Any]],
) -> None:
    titles = [widget["properties"]["title"] for widget in widgets]
    assert titles == [
        "Runs in the selected time range",
        "Runs by action and application",
        "Failed runs by action and application",
        "Problems by verdict",
        "Confirmed workers",
        "Longest drain (seconds)",
        "Longest run (seconds)",
        "Workers that still sleep",
        "Errors and throttles of the functions",
        "Duration of the functions (99th percentile)",
    ]


def test_the_searched_metrics_are_the_ones_that_the_functions_write(widgets: list[dict[str, Any]]) -> None:
    found = searches(widgets)
    assert len(found) == 7
    counted = (ROOT / "lambdas" / "runtime" / "metrics.py").read_text()
    for dimensions, metric in found:
        assert re.search(rf'add_metric\(\s*"{metric}",\s*MetricUnit\.', counted), metric
        verdict = ["verdict"] if metric == "Problems" else []
        action = ["action"] if metric != "Sleeping" else []
        assert dimensions.split(",") == ["service", *action, "application", *verdict]


def test_every_function_is_on_the_dashboard(widgets: list[dict[str, Any]], home: Template) -> None:
    shown = json.dumps(widgets)
    for logical_id in home.resources("AWS::Lambda::Function"):
        assert f"<{logical_id}>" in shown


def test_widgets_neither_overlap_nor_leave_the_page(widgets: list[dict[str, Any]]) -> None:
    taken: set[tuple[int, int]] = set()
    for widget in widgets:
        cells = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not cells & taken
        assert widget["x"] + widget["width"] <= 24
        taken |= cells
