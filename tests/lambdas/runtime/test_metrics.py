"""A run's metrics, read from stdout as CloudWatch reads the embedded metric format."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import metrics
from snow_white.model.ended_run import EndedRun
from snow_white.model.report import Report
from snow_white.model.serialisation import from_json
from tests.lambdas.fake_cloud import START

EXECUTION = {
    "arn": "arn:aws:states:us-east-1:1:execution:SnowWhite:n",
    "name": "n",
    "started_at": START.isoformat(),
}
ENDED = START + timedelta(seconds=130)
PLANNED: dict[str, Any] = {
    "plan": [{"region": "us-east-1"}],
    "dispatched_at": (START + timedelta(seconds=10)).isoformat(),
}
REPORT: dict[str, Any] = {
    "result": "confirmed",
    "error": None,
    "action": "quiet",
    "application": "shop",
    "counts": {"quiet": 3, "stopped": 1, "no_worker": 2, "gone": 1},
    "problems": [],
    "duration_seconds": 130,
    "ended_at": ENDED.isoformat(),
}
FAILED: dict[str, Any] = {
    **REPORT,
    "result": "not_confirmed",
    "error": "NotConfirmed",
    "counts": {"quiet": 3, "busy": 2, "unreachable": 1},
    "problems": [{"instance": "i-0abc"}, {"instance": "all"}],
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "snow-white")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "SnowWhite")


def emit(state: Any, report: Any) -> None:
    ended = from_json({"execution": EXECUTION, **state}, EndedRun)
    metrics.emit(ended, from_json(report, Report))


def emitted(capsys: pytest.CaptureFixture[str], state: Any, report: Any) -> list[dict[str, Any]]:
    capsys.readouterr()
    emit(state, report)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def dimensions(line: dict[str, Any]) -> set[str]:
    (of_metrics,) = line["_aws"]["CloudWatchMetrics"]
    assert of_metrics["Namespace"] == "SnowWhite"
    assert {one["Name"] for one in of_metrics["Metrics"]} <= line.keys()
    (names,) = of_metrics["Dimensions"]
    return set(names)


def problems(lines: list[dict[str, Any]]) -> dict[str, float]:
    return {line["verdict"]: line["Problems"][0] for line in lines if "verdict" in line}


def test_a_confirmed_run_is_counted_by_action_and_application(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = emitted(capsys, PLANNED, REPORT)
    assert dimensions(line) == {"service", "action", "application"}
    assert (line["service"], line["action"], line["application"]) == ("snow-white", "quiet", "shop")
    assert (line["Runs"], line["RunsConfirmed"], line["RunsFailed"]) == ([1.0], [1.0], [0.0])
    assert line["WorkersConfirmed"] == [4.0]
    assert (line["RunSeconds"], line["DrainSeconds"]) == ([130.0], [120.0])


def test_problems_are_counted_by_verdict_and_an_instance_is_no_dimension(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = emitted(capsys, PLANNED, FAILED)
    assert problems(lines) == {"busy": 2.0, "unreachable": 2.0}
    assert all(dimensions(line) <= {"service", "action", "application", "verdict"} for line in lines)
    assert "i-0abc" not in json.dumps(lines)
    assert lines[0]["RunsFailed"] == [1.0]


@pytest.mark.parametrize(
    ("selected", "said"),
    [
        ({"auto_scaling_groups": ["backups-*", "mail"]}, "backups-*, mail"),
        ({"tags": ["Role=worker"]}, "Role=worker"),
        ({"application": "shop", "instance_ids": ["i-0abc"]}, "shop"),
        ({"auto_scaling_groups": ["g" * 256] * 50}, "g" * 250),
    ],
)
def test_groups_and_tags_stand_in_place_of_the_application_and_instances_do_not(
    capsys: pytest.CaptureFixture[str], selected: dict[str, Any], said: str
) -> None:
    for line in emitted(capsys, PLANNED, {**FAILED, "application": None, **selected}):
        assert line["application"] == said


@pytest.mark.parametrize("action", ["wake", "status"])
def test_an_action_that_does_not_drain_has_no_drain_seconds(
    capsys: pytest.CaptureFixture[str], action: str
) -> None:
    (line,) = emitted(capsys, PLANNED, {**REPORT, "action": action})
    assert "DrainSeconds" not in line


def test_a_mistyped_application_is_counted_as_unknown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = {**FAILED, "error": "NothingMatched", "application": "shpo", "counts": {}, "problems": []}
    lines = emitted(capsys, {"plan": []}, report)
    assert {line["application"] for line in lines} == {"unknown"}
    assert {line["action"] for line in lines} == {"quiet"}
    assert problems(lines) == {"NothingMatched": 1.0}


@given(action=st.text() | st.none() | st.lists(st.text()), application=st.text(max_size=50) | st.none())
def test_a_run_with_any_action_and_application_is_counted(action: Any, application: Any) -> None:
    emit(PLANNED, {**FAILED, "action": action, "application": application})
