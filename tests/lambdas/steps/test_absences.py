"""What EC2 or SSM does not say for a moment, or says of a time before, makes nobody gone, silent or forgotten."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from snow_white.model.run import Outcome, Run
from tests.lambdas.fake_cloud import START, FakeCloud
from tests.lambdas.fake_hosts import Answer, FakeInstance, quieted, says
from tests.lambdas.story import Story, request


@pytest.fixture
def cloud() -> FakeCloud:
    cloud = FakeCloud(("us-east-1",))
    cloud["us-east-1"].add_environment("shop", "shop-workers", instances=2)
    return cloud


def seconds(cloud: FakeCloud) -> float:
    return (cloud.clock.now - START).total_seconds()


def hide_from_ec2(cloud: FakeCloud, hidden: FakeInstance, *spans: tuple[float, float]) -> None:
    """EC2 does not know the instance in these spans of seconds since the start."""
    region = cloud["us-east-1"]
    works = region.describe_instances

    def answer(**given: Any) -> Any:
        if not any(first <= seconds(cloud) < last for first, last in spans):
            return works(**given)
        kept = region.instances.pop(hidden.id)
        try:
            return works(**given)
        finally:
            region.instances[hidden.id] = kept

    region.describe_instances = answer  # type: ignore[method-assign]


def test_an_instance_that_only_a_sending_has_seen_is_not_forgotten(cloud: FakeCloud) -> None:
    region = cloud["us-east-1"]
    _, again = region.instances.values()
    refused = says("unconfirmed", message="busy", again=True)
    again.answers = [Answer(15.0, "Failed", 1, refused), Answer(20.0)]
    seen: list[FakeInstance] = []

    def launch_before_the_sending(run: Run) -> None:
        if run.outcome is Outcome.SEND and not seen:
            launched_at = cloud.clock.now - timedelta(seconds=3)
            seen.append(region.add_instance("shop-workers", state="pending", launched_at=launched_at))

    def lists_lag(_turn: int) -> None:
        region.unlisted_instances.update(one.id for one in seen)

    story = Story(cloud, request(regions=cloud.names), lists_lag)
    story.polled = launch_before_the_sending
    report = story.report()

    assert report["result"] == "not_confirmed"
    assert [one["instance"] for one in report["problems"]] == [one.id for one in seen]


def test_two_moments_in_which_ec2_does_not_know_an_instance_are_not_one_long_absence(
    cloud: FakeCloud,
) -> None:
    done, busy = cloud["us-east-1"].instances.values()
    done.answers = [quieted(20.0)]
    busy.answers, busy.jobs = [Answer(4000.0)], 3
    hide_from_ec2(cloud, busy, (5, 20), (600, 660))

    report = Story(cloud, request(regions=cloud.names)).report()

    assert (report["result"], report["counts"]) == ("confirmed", {"quiet": 2})
    assert seconds(cloud) >= 4000


def test_an_instance_that_is_stopped_and_started_again_while_lists_lag_is_quieted(cloud: FakeCloud) -> None:
    region = cloud["us-east-1"]
    restarted, slow = region.instances.values()
    slow.answers = [quieted(60.0)]

    def meanwhile(_turn: int) -> None:
        if 12 <= seconds(cloud) < 40:
            restarted.state = "stopped"
        elif restarted.state == "stopped":
            restarted.state, restarted.launched_at = "running", cloud.clock.now
            region.unlisted_instances.add(restarted.id)

    report = Story(cloud, request(regions=cloud.names), meanwhile).report()

    assert (report["result"], report["counts"]) == ("confirmed", {"quiet": 2})
    assert restarted.received == 2


@pytest.mark.parametrize("comes_back", [True, False])
def test_an_agent_is_not_silent_since_before_its_instance_was_started_again(
    cloud: FakeCloud, *, comes_back: bool
) -> None:
    _, started = cloud["us-east-1"].instances.values()
    started.launched_at = START - timedelta(seconds=30)
    started.last_ping = START - timedelta(hours=9)
    started.answers = [Answer(90.0 if comes_back else 100_000.0)]

    def meanwhile(_turn: int) -> None:
        if comes_back and seconds(cloud) >= 60:
            started.last_ping = None

    report = Story(cloud, request(regions=cloud.names), meanwhile).report()

    if comes_back:
        assert (report["result"], report["counts"]) == ("confirmed", {"quiet": 2})
    else:
        assert report["counts"] == {"quiet": 1, "unreachable": 1}
        assert 600 - 30 <= seconds(cloud) < 900
