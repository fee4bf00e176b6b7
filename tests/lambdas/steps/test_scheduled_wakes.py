"""Wakes that a lease has scheduled: only of those whom its run has put to sleep."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from snow_white.aws.executions import OppositeRunUnderWay
from snow_white.aws.regions import RegionUnavailable
from snow_white.model.action import Action
from snow_white.model.run import ANOTHER_RUN, Execution, Outcome, Run
from snow_white.model.serialisation import from_json, to_json
from snow_white.steps.dispatch import WAIT_FOR_REGIONS, dispatch
from snow_white.steps.poll import poll
from tests.lambdas.fake_cloud import START, FakeCloud, network_error
from tests.lambdas.fake_hosts import Answer, says
from tests.lambdas.story import Story, request

SCHEDULED: dict[str, Any] = {"only_asleep_by": "1764000000 quiet-ann"}
LEFT = Answer(output=says("left_alone", message="Left as it is."))


def test_a_scheduled_wake_names_the_run_to_the_hosts_and_lists_those_that_it_left_alone(
    cloud: FakeCloud,
) -> None:
    left, woken, _web = cloud["us-east-1"].instances.values()
    left.answers = [LEFT]
    report = Story(cloud, request(Action.WAKE, **SCHEDULED)).report()
    assert report["result"] == "confirmed"
    assert report["counts"] == {"awake": 2, "left_alone": 1}
    assert [one["instance"] for one in report["notes"]] == [left.id]
    assert cloud["us-east-1"].commands[0].options["Parameters"]["run"] == ["1764000000 quiet-ann"]
    assert woken.received == 1


def test_a_scheduled_wake_that_finds_nobody_to_wake_is_no_failure(cloud: FakeCloud) -> None:
    for region in cloud.regions.values():
        for instance in region.instances.values():
            instance.answers = [LEFT]
    report = Story(cloud, request(Action.WAKE, **SCHEDULED)).report()
    assert (report["result"], report["counts"]) == ("confirmed", {"left_alone": 3})


def test_a_scheduled_wake_is_for_the_environments_that_are_still_there(cloud: FakeCloud) -> None:
    asked = request(
        Action.WAKE, environments=("workers", "workers-old"), environments_named=True, **SCHEDULED
    )
    assert Story(cloud, asked).report()["counts"] == {"awake": 3}


@pytest.mark.parametrize("action", [Action.QUIET, Action.STOP, Action.STATUS])
def test_only_a_wake_can_leave_a_host_alone(cloud: FakeCloud, action: Action) -> None:
    next(iter(cloud["eu-west-1"].instances.values())).answers = [LEFT]
    assert Story(cloud, request(action)).report()["result"] == "not_confirmed"


def test_a_scheduled_wake_waits_while_an_opposite_run_is_under_way(cloud: FakeCloud) -> None:
    others = [OppositeRunUnderWay("A quiet of 'shop' is under way."), None]

    def demand_alone(_run: Run) -> None:
        if other := others.pop(0):
            raise other

    execution = Execution(
        "arn:aws:states:us-east-1:111122223333:execution:SnowWhite:lease-1", "lease-1", START
    )
    run = Run.planned(execution, request(Action.WAKE, **SCHEDULED), (), {"another run": "waits"})
    waiting = dispatch(run, cloud, START, demand_alone)  # type: ignore[arg-type]
    assert waiting.waiting_for == {"another run": "A quiet of 'shop' is under way."}
    assert (waiting.wait_seconds, waiting.commands) == (180, {})
    assert poll(waiting, cloud, START).outcome is Outcome.SEND  # type: ignore[arg-type]
    sent = dispatch(waiting, cloud, START, demand_alone)  # type: ignore[arg-type]
    assert sent.commands
    assert sent.waiting_for == {}


def wait_for_another(run: Run, cloud: FakeCloud, turns: int) -> Run:
    """The run after so many looks, at each of which an opposite run is under way."""

    def demand_alone(_run: Run) -> None:
        raise OppositeRunUnderWay("A quiet of 'shop' is under way.")

    for _ in range(turns):
        cloud.clock.advance(run.wait_seconds)
        carried = from_json(to_json(run), Run)
        run = dispatch(carried, cloud, cloud.clock.now, demand_alone)  # type: ignore[arg-type]
    return run


@pytest.fixture
def waiting(cloud: FakeCloud) -> Run:
    """A scheduled wake that has waited for another run for half an hour."""
    asked = request(Action.WAKE, **SCHEDULED)
    execution = Execution(
        "arn:aws:states:us-east-1:111122223333:execution:SnowWhite:lease-1", "lease-1", START
    )
    run = Run.planned(execution, asked, (), {ANOTHER_RUN: "waits"})
    return wait_for_another(replace(run, wait_seconds=180), cloud, 10)


def test_a_wake_that_has_waited_for_another_run_waits_for_a_region_too(
    cloud: FakeCloud, waiting: Run
) -> None:
    for _ in range(3):
        cloud["eu-west-1"].down = network_error()
        without_region = wait_for_another(waiting, cloud, 10)
        assert without_region.waiting_for.keys() == {"eu-west-1"}
        cloud["eu-west-1"].down = None
        waiting = wait_for_another(without_region, cloud, 1)
        assert waiting.waiting_for.keys() == {ANOTHER_RUN}, "each fault has its own five minutes"


def test_a_wake_that_waits_for_another_run_ends_if_a_region_does_not_answer_for_minutes(
    cloud: FakeCloud, waiting: Run
) -> None:
    cloud["eu-west-1"].down = network_error()
    began = cloud.clock.now
    with pytest.raises(RegionUnavailable, match="eu-west-1"):
        wait_for_another(waiting, cloud, 100)
    assert timedelta(0) <= cloud.clock.now - began - WAIT_FOR_REGIONS <= timedelta(minutes=4)


@pytest.mark.parametrize(
    "asked", [{"environments": ("gone",)}, {"auto_scaling_groups": ("gone-*",), "application": ""}]
)
def test_a_scheduled_wake_for_a_fleet_that_is_gone_is_no_failure(
    cloud: FakeCloud, asked: dict[str, Any]
) -> None:
    gone = request(Action.WAKE, environments_named=True, **{"environments": (), **asked}, **SCHEDULED)
    report = Story(cloud, gone).report()
    assert (report["result"], report["counts"], report["instances"]) == ("confirmed", {}, 0)
