"""DiscoverInstances as Lambda calls it: the plan, or an earlier run that undoes this one."""

from __future__ import annotations

import importlib
import json
from types import ModuleType
from typing import Any

import pytest

from snow_white.aws.executions import OppositeRunUnderWay
from tests.fake_client import FakeClient
from tests.lambdas.fake_cloud import FakeCloud, client_error
from tests.lambdas.loaded import ENVIRONMENT, Context
from tests.lambdas.steps.test_opposite_run import ARN, RUN, FakeStepFunctions


class BrokenStepFunctions(FakeClient, services=("stepfunctions",)):
    def list_executions(self, **_: Any) -> Any:
        raise client_error("AccessDeniedException", "not authorized", 400)


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    function = importlib.reload(importlib.import_module("discover_instances"))
    cloud = FakeCloud()
    cloud["us-east-1"].add_environment("shop", "shop-workers", instances=2)
    monkeypatch.setattr(function, "regions", cloud)
    return function


def call(function: ModuleType, step_functions: object, **more: str) -> dict[str, Any]:
    vars(function)["step_functions"] = step_functions
    execution = {"arn": RUN.execution.arn, "name": "night-1", "started_at": "2026-03-01T09:00:05+00:00"}
    asked = {"action": "quiet", "application": "shop", **more}
    run = {"request": asked, "execution": execution}
    after: dict[str, Any] = function.handler({"step": "DiscoverInstances", "run": run}, Context(300))
    return after


def test_an_earlier_opposite_run_ends_this_one_before_anything_is_sent(function: ModuleType) -> None:
    waking = FakeStepFunctions({ARN: json.dumps({"action": "wake", "application": "shop"})})
    with pytest.raises(OppositeRunUnderWay, match="wake-3"):
        call(function, waking)


@pytest.mark.parametrize("others", [FakeStepFunctions({}), BrokenStepFunctions()])
def test_without_one_or_when_nobody_can_say_the_plan_is_made(function: ModuleType, others: object) -> None:
    plan = call(function, others)["plan"]
    assert [(part["region"], part["instances"]) for part in plan] == [("us-east-1", 2)]


def test_a_wake_that_was_scheduled_waits_for_the_opposite_run(function: ModuleType) -> None:
    quieting = FakeStepFunctions({ARN: json.dumps({"action": "quiet", "application": "shop"})})
    after = call(function, quieting, action="wake", only_asleep_by="1764000000 quiet-ann")
    assert "A quiet of 'shop' is under way" in after["waiting_for"]["another run"]
    assert after["wait_seconds"] == 180
