"""Instances that SSM does not list for a moment, and those that are shutting down, are given their time."""

from __future__ import annotations

from typing import Any

import pytest

from snow_white.model.state_budget import HIDDEN_IDS
from tests.lambdas.fake_cloud import START, FakeCloud
from tests.lambdas.fake_hosts import Answer, FakeInstance
from tests.lambdas.story import Story, request


@pytest.fixture
def cloud() -> FakeCloud:
    cloud = FakeCloud(("us-east-1",))
    cloud["us-east-1"].add_environment("shop", "shop-workers", instances=3)
    return cloud


def seconds(cloud: FakeCloud) -> float:
    return (cloud.clock.now - START).total_seconds()


def hide_nodes(cloud: FakeCloud, first: float, last: float) -> None:
    """DescribeInstanceInformation answers an empty list in a span of seconds since the start."""
    region = cloud["us-east-1"]
    works = region.describe_instance_information

    def answer(**given: Any) -> Any:
        return {"InstanceInformationList": []} if first <= seconds(cloud) < last else works(**given)

    region.describe_instance_information = answer  # type: ignore[method-assign]


@pytest.mark.parametrize("length", [24, 60])
def test_an_empty_list_of_nodes_at_the_start_is_waited_out(cloud: FakeCloud, length: float) -> None:
    hide_nodes(cloud, 0, length)
    report = Story(cloud, request(regions=cloud.names, timeout_seconds=600)).report()
    assert (report["result"], report["counts"]) == ("confirmed", {"quiet": 3})


def test_instances_that_ec2_stops_listing_before_anything_was_sent_to_them_are_not_forgotten(
    cloud: FakeCloud,
) -> None:
    region = cloud["us-east-1"]
    (hidden, *_) = region.instances.values()
    counted = Story(cloud, request(regions=cloud.names, timeout_seconds=600))
    counted.planned = lambda: region.unlisted_instances.add(hidden.id)
    report = counted.report()
    assert (report["result"], report["counts"]) == ("confirmed", {"quiet": 3})


def test_of_hundreds_that_ec2_forgets_at_once_the_state_keeps_some_and_all_are_found_to_be_gone() -> None:
    cloud = FakeCloud()
    for region in cloud.regions.values():
        for one in region.add_environment("shop", "shop-workers", instances=100):
            one.answers = [Answer(after=900), Answer(20)]
        for one in list(region.instances.values())[:90]:
            hang(one)
    kept: list[int] = []

    def forget(turn: int) -> None:
        if turn == 5:
            for region in cloud.regions.values():
                for id_ in list(region.instances)[:90]:
                    del region.instances[id_]

    story = Story(cloud, request(), forget)
    story.polled = lambda run: kept.append(sum(map(len, run.hidden_since.values())))
    counts = story.report()["counts"]
    assert 0 < max(kept) <= HIDDEN_IDS
    assert counts == {"quiet": 20, "gone": 180}


def test_an_instance_without_an_agent_is_named_after_a_fair_time(cloud: FakeCloud) -> None:
    lonely = cloud["us-east-1"].add_instance("shop-workers", managed=False)
    report = Story(cloud, request(regions=cloud.names)).report()
    assert [(one["instance"], one["verdict"]) for one in report["problems"]] == [(lonely.id, "unreachable")]
    assert "not registered" in report["cause"]
    assert 60 <= report["duration_seconds"] < 150


@pytest.mark.parametrize("state", ["shutting-down", "stopping"])
def test_a_confirmed_instance_that_leaves_when_its_confirmation_is_stale_is_waited_for(
    cloud: FakeCloud, state: str
) -> None:
    leaving, slow, _ = cloud["us-east-1"].instances.values()
    slow.answers = [Answer(after=400), Answer()]

    def meanwhile(_turn: int) -> None:
        if seconds(cloud) > 380:
            leaving.state = state if seconds(cloud) < 900 else "terminated"

    report = Story(cloud, request(regions=cloud.names), meanwhile).report()
    assert (report["result"], report["counts"]) == ("confirmed", {"quiet": 2, "gone": 1})
    assert seconds(cloud) >= 900
    assert leaving.received == 1


def test_one_that_is_still_leaving_at_the_deadline_is_not_confirmed(cloud: FakeCloud) -> None:
    leaving, slow, _ = cloud["us-east-1"].instances.values()
    slow.answers = [Answer(after=400), Answer()]

    def meanwhile(_turn: int) -> None:
        if seconds(cloud) > 380:
            leaving.state = "shutting-down"

    report = Story(cloud, request(regions=cloud.names, timeout_seconds=900), meanwhile).report()
    assert report["counts"] == {"quiet": 2, "unconfirmed": 1}
    assert [one["instance"] for one in report["problems"]] == [leaving.id]


def hang(instance: FakeInstance) -> None:
    instance.answers = [Answer(after=100_000)]
    instance.silent = True


def test_of_an_online_agent_that_answers_nothing_it_is_not_said_that_it_was_not_heard_of(
    cloud: FakeCloud,
) -> None:
    hung, *_ = cloud["us-east-1"].instances.values()
    hang(hung)
    report = Story(cloud, request(regions=cloud.names)).report()
    (problem,) = report["problems"]
    assert (problem["instance"], problem["verdict"]) == (hung.id, "unreachable")
    assert problem["reason"] == (
        "its SSM agent is online, but has not answered any status command since 2026-03-01 09:02 UTC"
    )


def test_of_an_agent_whose_connection_is_lost_the_last_ping_is_said(cloud: FakeCloud) -> None:
    dead, *_ = cloud["us-east-1"].instances.values()
    hang(dead)
    dead.last_ping = START
    report = Story(cloud, request(regions=cloud.names)).report()
    (problem,) = report["problems"]
    assert problem["reason"] == "its SSM agent has not been heard of since 2026-03-01 09:00 UTC"
