"""Instances that Auto Scaling is ending, in runs of their fleet: none is woken, and those that drain are waited for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from snow_white.aws.errors import UnreadableAnswer
from snow_white.model.action import Action
from snow_white.model.fleet import GROUP_NAME_TAG
from tests.lambdas.fake_cloud import FakeCloud, FakeLifecycleAction, client_error, network_error
from tests.lambdas.fake_hosts import Answer, FakeInstance, says
from tests.lambdas.story import Story, request

REGION = "us-east-1"
FLEET: dict[str, Any] = {"application": "", "environments": (), "auto_scaling_groups": ("backups",)}
TOKEN = "87654321-4321-4321-4321-210987654321"
DRAINING = "A quiet command (process 7) is running, so stop did nothing."


@pytest.fixture
def cloud() -> FakeCloud:
    """A group of three; Auto Scaling is ending the first one."""
    cloud = FakeCloud(sees_terminations=True)
    for _ in range(3):
        cloud[REGION].add_instance(tags={GROUP_NAME_TAG: "backups"})
    end(cloud, leaving(cloud))
    return cloud


def end(cloud: FakeCloud, instance: FakeInstance) -> None:
    action = FakeLifecycleAction("backups", "SnowWhite", instance.id, cloud.clock.now, 900)
    cloud[REGION].lifecycle_actions[f"{TOKEN}-{instance.id}"] = action


def leaving(cloud: FakeCloud) -> FakeInstance:
    return next(iter(cloud[REGION].instances.values()))


def test_a_wake_of_the_fleet_leaves_it_alone(cloud: FakeCloud) -> None:
    report = Story(cloud, request(Action.WAKE, **FLEET)).report()
    assert (report["result"], report["counts"]) == ("confirmed", {"left_alone": 1, "awake": 2})
    assert leaving(cloud).received == 0
    (note,) = report["notes"]
    assert note["reason"] == "Auto Scaling is terminating the instance, so it was not woken"


def test_one_that_begins_to_end_during_the_wake_is_not_asked_again(cloud: FakeCloud) -> None:
    other = list(cloud[REGION].instances.values())[1]
    other.answers = [
        Answer(60, "Failed", 1, says("unconfirmed", message="A quiet command is running", again=True))
    ]

    def begins_to_end(turn: int) -> None:
        if turn == 1:
            end(cloud, other)

    story = Story(cloud, request(Action.WAKE, **FLEET), meanwhile=begins_to_end)
    report = story.report()
    assert report["counts"] == {"left_alone": 2, "awake": 1}
    assert other.received == 1
    assert len(story.outcomes) < 40


def test_a_wake_that_finds_nobody_else_says_so(cloud: FakeCloud) -> None:
    for instance in list(cloud[REGION].instances.values())[1:]:
        instance.state = "terminated"
    report = Story(cloud, request(Action.WAKE, **FLEET)).report()
    assert report["cause"] == "No worker was found that could be confirmed awake: 1 left alone."


def test_a_wake_goes_on_if_auto_scaling_cannot_be_asked(cloud: FakeCloud) -> None:
    cloud[REGION].auto_scaling_down = client_error("AccessDenied", "not authorized", 403)
    report = Story(cloud, request(Action.WAKE, **FLEET)).report()
    assert report["counts"] == {"awake": 3}


@pytest.mark.parametrize(
    "fault", [client_error("Throttling", "Rate exceeded", 400), network_error(), UnreadableAnswer("a page")]
)
def test_a_wake_does_not_forget_one_that_ends_because_auto_scaling_did_not_answer_once(
    cloud: FakeCloud, fault: Exception
) -> None:
    cloud[REGION].auto_scaling_down = fault
    cloud["eu-west-1"].add_instance(tags={GROUP_NAME_TAG: "backups"})

    def answers_again(turn: int) -> None:
        if turn == 3:
            assert sum(one.received for one in cloud["eu-west-1"].instances.values()) == 1
            cloud[REGION].auto_scaling_down = None

    story = Story(cloud, request(Action.WAKE, **FLEET), meanwhile=answers_again)
    report = story.report()
    assert (report["result"], report["counts"]) == ("confirmed", {"left_alone": 1, "awake": 3})
    assert leaving(cloud).received == 0


def test_a_wake_names_a_region_whose_auto_scaling_never_answers(cloud: FakeCloud) -> None:
    cloud[REGION].auto_scaling_down = client_error("Throttling", "Rate exceeded", 400)
    report = Story(cloud, request(Action.WAKE, timeout_seconds=600, **FLEET)).report()
    assert report["result"] == "not_confirmed"
    assert "Rate exceeded" in report["problems"][0]["reason"]
    assert leaving(cloud).received == 0


@pytest.mark.parametrize("action", [Action.QUIET, Action.STOP, Action.STATUS])
def test_another_run_goes_on_if_auto_scaling_does_not_answer(cloud: FakeCloud, action: Action) -> None:
    cloud[REGION].auto_scaling_down = network_error()
    assert Story(cloud, request(action, **FLEET)).report()["result"] == "confirmed"


def test_auto_scaling_is_not_asked_where_nothing_is_drained(cloud: FakeCloud) -> None:
    cloud.sees_terminations = False
    assert Story(cloud, request(Action.WAKE, **FLEET)).report()["counts"] == {"awake": 3}
    assert "describe_auto_scaling_groups" not in cloud[REGION].calls


def test_a_quiet_asks_it_as_it_asks_others(cloud: FakeCloud) -> None:
    report = Story(cloud, request(Action.QUIET, **FLEET)).report()
    assert (report["result"], report["counts"]) == ("confirmed", {"quiet": 3})


def test_a_stop_waits_for_one_that_another_command_drains_until_it_is_gone(cloud: FakeCloud) -> None:
    leaving(cloud).answers = [Answer(5, "Failed", 1, says("unconfirmed", message=DRAINING, again=True))]

    def goes(_turn: int) -> None:
        if (cloud.clock.now - began).total_seconds() > 1_200:
            leaving(cloud).state = "terminated"

    began = cloud.clock.now
    report = Story(cloud, request(Action.STOP, **FLEET), meanwhile=goes).report()
    assert (report["result"], report["counts"]) == ("confirmed", {"stopped": 2, "gone": 1})


def test_one_that_does_not_go_in_time_is_named_with_the_reason(cloud: FakeCloud) -> None:
    leaving(cloud).answers = [Answer(5, "Failed", 1, says("unconfirmed", message=DRAINING, again=True))]
    report = Story(cloud, request(Action.STOP, timeout_seconds=900, **FLEET)).report()
    (problem,) = report["problems"]
    assert problem["reason"] == f"{DRAINING}; Auto Scaling is terminating the instance"


def test_one_without_an_agent_is_named_and_not_waited_for(cloud: FakeCloud) -> None:
    leaving(cloud).managed = False
    began = cloud.clock.now
    report = Story(cloud, request(Action.QUIET, **FLEET)).report()
    (problem,) = report["problems"]
    assert problem["reason"].endswith("; Auto Scaling is terminating the instance")
    assert (cloud.clock.now - began).total_seconds() < 900


def test_more_than_a_hundred_groups_are_asked_for_in_lists_of_fifty() -> None:
    cloud = FakeCloud(sees_terminations=True)
    for number in range(120):
        cloud[REGION].add_instance(tags={GROUP_NAME_TAG: f"backups-{number}"})
    asked = replace(request(Action.WAKE, **FLEET), auto_scaling_groups=("backups-*",))
    assert Story(cloud, asked).report()["counts"] == {"awake": 120}
    assert cloud[REGION].calls.count("describe_auto_scaling_groups") % 3 == 0
