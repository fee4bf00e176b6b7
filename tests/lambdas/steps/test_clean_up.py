"""What is done behind a run that has died: its commands are ended."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from snow_white.model.ended_run import EndedRun
from snow_white.model.run import Run
from snow_white.model.serialisation import from_json, to_json
from snow_white.steps.clean_up import cancel_commands
from snow_white.steps.discover import discover
from snow_white.steps.dispatch import dispatch
from tests.lambdas.aws.test_execution_history import EXECUTION
from tests.lambdas.fake_cloud import FakeCloud, network_error
from tests.lambdas.fake_hosts import Answer
from tests.lambdas.story import request


def running(cloud: FakeCloud) -> Run:
    for region in cloud.names:
        for one in cloud[region].add_environment("shop", "shop-workers", instances=2):
            one.answers = [Answer(after=3600)]
    run = Run.planned(EXECUTION, request(), discover(request(), cloud).plan)  # type: ignore[arg-type]
    return dispatch(run, cloud, cloud.clock.now)  # type: ignore[arg-type]


def cancel(run: Run, cloud: FakeCloud) -> tuple[int, list[str]]:
    """As after the run's last state was read."""
    return cancel_commands(from_json(to_json(run), EndedRun), cloud)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)


def test_what_goes_on_is_cancelled_in_every_region() -> None:
    cloud = FakeCloud()
    assert cancel(running(cloud), cloud) == (2, [])
    assert all(command.cancelled for region in cloud.regions.values() for command in region.commands)


def test_commands_that_the_state_does_not_know_yet_are_found_by_their_comment() -> None:
    cloud = FakeCloud()
    before_the_sending = replace(running(cloud), commands={})
    assert cancel(before_the_sending, cloud)[0] == 2


def test_a_command_that_is_listed_only_after_the_run_was_stopped_is_cancelled_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cloud = FakeCloud()
    before_the_sending = replace(running(cloud), commands={})
    hidden = [(region, region.commands[:]) for region in cloud.regions.values()]
    for region, _ in hidden:
        region.commands.clear()

    def show(_seconds: float) -> None:
        for region, commands in hidden:
            region.commands.extend(commands)

    monkeypatch.setattr(time, "sleep", show)
    assert cancel(before_the_sending, cloud) == (2, [])
    assert all(command.cancelled for region in cloud.regions.values() for command in region.commands)


def test_what_has_ended_is_left_alone() -> None:
    cloud = FakeCloud()
    run = running(cloud)
    cloud.clock.advance(4000)
    assert cancel(run, cloud) == (0, [])


def test_a_region_that_does_not_answer_keeps_no_other_from_being_cleaned() -> None:
    cloud = FakeCloud()
    run = running(cloud)
    cloud["eu-west-1"].down = network_error()
    cancelled, failed = cancel(run, cloud)
    assert cancelled == 1
    assert "eu-west-1" in failed[0]


@pytest.mark.parametrize("state", [{}, {"request": "quiet", "plan": []}, {"request": {"action": "quiet"}}])
def test_a_run_that_never_had_a_plan_has_nothing_to_clean(state: dict[str, Any]) -> None:
    ended = from_json({"execution": to_json(EXECUTION), **state}, EndedRun)
    assert cancel_commands(ended, FakeCloud()) == (0, [])  # type: ignore[arg-type]
