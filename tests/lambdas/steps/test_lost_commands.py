"""A command that was lost on its way to a host whose agent answers is sent again, whatever the action."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from snow_white.model.action import Action
from tests.lambdas.fake_cloud import START, FakeCloud, FakeCommand, FakeRegion
from tests.lambdas.fake_hosts import Answer, FakeInstance, says
from tests.lambdas.story import Story, request


@pytest.fixture
def cloud() -> FakeCloud:
    cloud = FakeCloud(("us-east-1",))
    cloud["us-east-1"].add_environment("shop", "shop-workers", instances=3)
    return cloud


def sent_to(region: FakeRegion, instance: FakeInstance, action: Action) -> list[FakeCommand]:
    return [c for c in region.commands if instance.id in c.answers and c.document == action.document_name]


@pytest.mark.parametrize("action", list(Action))
def test_a_lost_command_of_every_action_is_sent_again(cloud: FakeCloud, action: Action) -> None:
    region = cloud["us-east-1"]
    unlucky, *_ = region.instances.values()
    unlucky.loses = 1
    report = Story(cloud, request(action, regions=cloud.names, timeout_seconds=3_600)).report()
    assert (report["result"], report["counts"]) == ("confirmed", {action.result: 3})
    assert report["duration_seconds"] < 600
    assert len(sent_to(region, unlucky, action)) in (2, 3), "the lost one, the next one, and one renewal"


def test_a_host_that_wakes_for_long_is_sent_one_command(cloud: FakeCloud) -> None:
    region = cloud["us-east-1"]
    slow, *_ = region.instances.values()
    slow.answers = [Answer(after=270)]
    Story(cloud, request(Action.WAKE, regions=cloud.names, timeout_seconds=3_600)).end()
    assert len(sent_to(region, slow, Action.WAKE)) == 1


def test_renewals_that_were_answered_do_not_use_up_the_sendings_of_a_lost_command(cloud: FakeCloud) -> None:
    """Commands 1 to 3 are answered, each asked again only because others took long; the fourth is lost."""
    region = cloud["us-east-1"]
    unlucky, slow, _ = region.instances.values()
    late = Answer(after=400, output=says("quiet"))  # it does not say when that was proven
    slow.answers = [late, late, late, Answer()]
    unlucky.answers = [Answer(), Answer(), Answer(), Answer()]

    def meanwhile(_turn: int) -> None:
        if len(sent_to(region, unlucky, Action.QUIET)) == 3 and unlucky.received == 3:
            unlucky.loses = 1
            unlucky.received += 1

    report = Story(cloud, request(regions=cloud.names, timeout_seconds=7_200), meanwhile).report()
    assert report["counts"] == {"quiet": 3}
    assert len(sent_to(region, unlucky, Action.QUIET)) >= 5


def test_what_was_sent_before_an_instance_was_started_anew_does_not_count(cloud: FakeCloud) -> None:
    region = cloud["us-east-1"]
    unlucky, slow, _ = region.instances.values()
    slow.answers = [Answer(after=6_000), Answer()]
    unlucky.loses = 100

    def meanwhile(_turn: int) -> None:
        since = cloud.clock.now - START
        if len(sent_to(region, unlucky, Action.QUIET)) == 3 and since > timedelta(seconds=2_500):
            unlucky.loses, unlucky.launched_at = 1, cloud.clock.now

    report = Story(cloud, request(regions=cloud.names, timeout_seconds=7_200), meanwhile).report()
    assert report["counts"] == {"quiet": 3}


def test_a_lost_command_is_found_among_hosts_that_drain_for_hours(cloud: FakeCloud) -> None:
    region = cloud["us-east-1"]
    slow = region.add_environment("shop", "shop-workers-b", instances=120)
    for one in slow:
        one.answers = [Answer(after=8_000), Answer()]
    unlucky = slow[-1]
    unlucky.loses = 1
    found_at: list[datetime] = []

    def meanwhile(_turn: int) -> None:
        if not found_at and len(sent_to(region, unlucky, Action.QUIET)) == 2:
            found_at.append(cloud.clock.now)

    Story(cloud, request(regions=cloud.names, timeout_seconds=10_000), meanwhile).end()
    assert found_at
    assert found_at[0] < START + timedelta(seconds=3_600)
