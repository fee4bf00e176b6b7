"""A run finds out at its start whether an opposite one is under way on the same fleet."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from snow_white.aws.executions import OppositeRunUnderWay, RunUnderWay, runs_under_way
from snow_white.model.action import Action
from snow_white.model.fleet import Group, RegionPlan
from snow_white.model.request import Defaults
from snow_white.model.run import Execution, Run
from snow_white.model.stated_request import StatedRequest
from snow_white.model.termination import execution_name
from snow_white.steps.opposite_run import demand_no_opposite_run
from tests.fake_client import FakeClient
from tests.lambdas.fake_cloud import START
from tests.lambdas.story import request

MACHINE = "arn:aws:states:us-east-1:1:stateMachine:SnowWhite"
ARN = "arn:aws:states:us-east-1:1:execution:SnowWhite:wake-3"
DEFAULTS = Defaults(regions=("us-east-1", "eu-west-1"), environments=("workers",))
NO_REGIONS: Any = None  # environments are compared by their names
RUN = Run.planned(
    Execution("arn:aws:states:us-east-1:1:execution:SnowWhite:night-1", "night-1", START),
    request(Action.QUIET),
    (RegionPlan("us-east-1", (Group("shop-workers", "e-1"),), 3),),
)


def other(started_at: datetime = START - timedelta(minutes=5), **stated: Any) -> RunUnderWay:
    asked = {"action": "wake", "application": "shop", "requested_by": "ann", **stated}
    return RunUnderWay(ARN, "wake-3", started_at, StatedRequest.read(asked))


def test_an_opposite_run_is_named_with_who_and_since_when_and_how_to_stop_it() -> None:
    with pytest.raises(OppositeRunUnderWay) as refused:
        demand_no_opposite_run(RUN, [other()], DEFAULTS, NO_REGIONS)
    for said in ("A wake of 'shop'", "wake-3", "2026-03-01 08:55 UTC by ann", f"--execution-arn {ARN}"):
        assert said in str(refused.value)


@pytest.mark.parametrize(
    "harmless",
    [
        {"action": "quiet"},
        {"action": "status"},
        {"action": "sleep"},
        {"application": "backups"},
        {"regions": ["eu-west-1"]},
        {"environments": "mail"},
    ],
)
def test_what_does_not_undo_this_run_is_no_matter(harmless: dict[str, Any]) -> None:
    demand_no_opposite_run(RUN, [other(**harmless)], DEFAULTS, NO_REGIONS)


@pytest.mark.parametrize("same", [{"regions": "us-east-1"}, {"environments": ["shop-*", "x"]}, {}])
def test_a_part_of_the_fleet_is_enough(same: dict[str, Any]) -> None:
    with pytest.raises(OppositeRunUnderWay):
        demand_no_opposite_run(RUN, [other(**same)], DEFAULTS, NO_REGIONS)


def test_a_wake_for_one_run_s_workers_holds_up_no_later_quiet_but_a_later_wake_meets_a_quiet() -> None:
    scheduled = other(only_asleep_by="1764000000 quiet-ann")
    demand_no_opposite_run(RUN, [scheduled], DEFAULTS, NO_REGIONS)
    waking = replace(RUN, request=request(Action.WAKE, only_asleep_by="1764000000 quiet-ann"))
    with pytest.raises(OppositeRunUnderWay):
        demand_no_opposite_run(waking, [other(action="quiet")], DEFAULTS, NO_REGIONS)


def test_of_two_that_start_at_once_one_goes_on() -> None:
    demand_no_opposite_run(RUN, [other(START + timedelta(seconds=1))], DEFAULTS, NO_REGIONS)


@dataclass
class FakeStepFunctions(FakeClient, services=("stepfunctions",)):
    """The running executions by their ARN, each with its input; one a page."""

    inputs: dict[str, str]
    described: list[str] = field(default_factory=list)

    def list_executions(
        self, *, stateMachineArn: str, statusFilter: str, nextToken: str = "0"
    ) -> dict[str, Any]:
        assert (stateMachineArn, statusFilter) == (MACHINE, "RUNNING")
        arns, number = list(self.inputs), int(nextToken)
        more = {"nextToken": str(number + 1)} if number + 1 < len(arns) else {}
        return {"executions": [self._row(arn) for arn in arns[number : number + 1]], **more}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:
        self.described.append(executionArn)
        return {**self._row(executionArn), "input": self.inputs[executionArn]}

    def _row(self, arn: str) -> dict[str, Any]:
        return {
            "executionArn": arn,
            "stateMachineArn": MACHINE,
            "name": arn.rpartition(":")[2],
            "status": "RUNNING",
            "startDate": START,
        }


def test_running_executions_are_read_whatever_they_were_started_with() -> None:
    inputs = {RUN.execution.arn: "{}", ARN: json.dumps({"action": "wake"}), f"{ARN}4": "[]", f"{ARN}5": "{"}
    found = runs_under_way(FakeStepFunctions(inputs), RUN.execution)  # type: ignore[arg-type]
    assert [one.request.action for one in found] == ["wake", None, None]


def test_a_hundred_runs_for_instances_that_are_ended_hide_no_run_of_the_fleet_and_are_not_described() -> None:
    leaving = {
        f"{ARN}:{execution_name('i-0123456789abcdef0', str(UUID(int=number)))}": "not read"
        for number in range(100)
    }
    states = FakeStepFunctions({**leaving, ARN: json.dumps({"action": "wake"})})
    found = runs_under_way(states, RUN.execution)  # type: ignore[arg-type]
    assert [one.arn for one in found] == [ARN]
    assert states.described == [ARN]


@pytest.mark.parametrize(
    "name", ["drain-backups", "drain-i-0123456789abcdef0", "my-drain-i-0123456789abcdef0-1"]
)
def test_a_run_that_a_person_has_named_alike_is_still_seen(name: str) -> None:
    found = runs_under_way(FakeStepFunctions({f"{ARN}:{name}": "{}"}), RUN.execution)  # type: ignore[arg-type]
    assert len(found) == 1
