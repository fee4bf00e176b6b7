"""While a run waits, a poll reads of the instances only what has changed, and misses nothing by that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from snow_white.model.run import Run
from tests.lambdas.fake_cloud import START, FakeCloud, FakeRegion
from tests.lambdas.fake_hosts import Answer, FakeInstance
from tests.lambdas.story import Story, request

DRAIN = 3000.0  # seconds


@pytest.fixture
def cloud() -> FakeCloud:
    """Sixty instances, of which the first drains for long."""
    cloud = FakeCloud(("us-east-1",))
    first, *_ = cloud["us-east-1"].add_environment("shop", "shop-workers", instances=60)
    first.answers = [Answer(after=DRAIN), Answer()]
    return cloud


@pytest.fixture
def region(cloud: FakeCloud) -> FakeRegion:
    return cloud["us-east-1"]


def minutes(cloud: FakeCloud) -> float:
    return (cloud.clock.now - START).total_seconds() / 60


def once(cloud: FakeCloud, at: float, event: Callable[[], None]) -> Callable[[int], None]:
    """Called before each poll: the event happens before the first one after so many minutes."""
    pending = [event]

    def meanwhile(_turn: int) -> None:
        if pending and minutes(cloud) >= at:
            pending.pop()()

    return meanwhile


def test_a_long_drain_reads_all_instances_every_ten_minutes_only(
    cloud: FakeCloud, region: FakeRegion
) -> None:
    story = Story(cloud, request(regions=cloud.names))
    assert story.report()["counts"] == {"quiet": 60}
    in_full = sum(count >= 60 for count in region.instances_read)
    # Five times in 50 minutes, and a few for the plan, the sendings and the end.
    assert in_full <= 5 + 10
    assert len(story.outcomes) > 100
    assert sum(region.instances_read) == 60 * in_full


def test_a_new_instance_is_sent_to_at_the_next_poll(cloud: FakeCloud, region: FakeRegion) -> None:
    added: list[FakeInstance] = []

    def scale_out() -> None:
        added.append(region.add_instance("shop-workers", launched_at=cloud.clock.now - timedelta(seconds=90)))

    story = Story(cloud, request(regions=cloud.names), once(cloud, 25, scale_out))
    assert story.report()["counts"] == {"quiet": 61}
    sent_at = next(one.sent_at for one in region.commands if added[0].id in one.answers)
    assert sent_at - added[0].launched_at < timedelta(minutes=3)


def test_one_that_was_stopped_and_started_again_is_sent_to_at_the_next_poll(
    cloud: FakeCloud, region: FakeRegion
) -> None:
    restarted = list(region.instances.values())[5]

    def restart() -> None:
        restarted.launched_at = cloud.clock.now

    Story(cloud, request(regions=cloud.names), once(cloud, 25, restart)).report()
    sent_at = [one.sent_at for one in region.commands if restarted.id in one.answers][1]
    assert sent_at - restarted.launched_at < timedelta(minutes=2)


@pytest.mark.parametrize("state", ["terminated", "stopped"])
def test_the_run_ends_soon_after_the_last_busy_instance_is_gone(
    cloud: FakeCloud, region: FakeRegion, state: str
) -> None:
    busy = next(iter(region.instances.values()))

    def end() -> None:
        busy.state = state

    report = Story(cloud, request(regions=cloud.names), once(cloud, 25, end)).report()
    assert (report["result"], report["counts"]) == ("confirmed", {"quiet": 59, "gone": 1})
    assert minutes(cloud) < 28


def test_what_the_filters_do_not_show_is_seen_when_all_are_read(cloud: FakeCloud, region: FakeRegion) -> None:
    """An instance that was launched long ago, and is moved into the environment only now."""
    late: list[FakeInstance] = []

    def move() -> None:
        late.append(region.add_instance("shop-workers"))

    Story(cloud, request(regions=cloud.names), once(cloud, 25, move)).report()
    first = next(one.sent_at for one in region.commands if late[0].id in one.answers)
    assert (first - START).total_seconds() / 60 < 25 + 10 + 2


def test_stragglers_are_named_with_their_environment(cloud: FakeCloud, region: FakeRegion) -> None:
    first = next(iter(region.instances.values()))
    first.jobs = 2
    told: list[Run] = []
    Story(cloud, request(regions=cloud.names), announced=told.append).report()
    listed = {(one.environment, one.instance, one.jobs) for run in told for one in run.stragglers.listed}
    assert listed == {("shop-workers", first.id, 2)}


def test_an_instance_without_an_agent_is_asked_for_seldom(cloud: FakeCloud, region: FakeRegion) -> None:
    region.add_instance("shop-workers", managed=False)
    asked: list[float] = []
    original = region.describe_instance_information

    def counted(**given: Any) -> dict[str, Any]:
        (wanted,) = given["Filters"]
        if wanted["Key"] == "InstanceIds":
            asked.append(minutes(cloud))
        return original(**given)

    region.describe_instance_information = counted  # type: ignore[method-assign]
    story = Story(cloud, request(regions=cloud.names))
    assert story.report()["counts"] == {"quiet": 60, "unreachable": 1}
    while_waiting = [at for at in asked if 2 < at < DRAIN / 60]
    assert len(while_waiting) <= 6
    assert len(story.outcomes) > 100


def test_while_one_is_waited_for_at_the_end_the_others_answers_are_not_read_again(cloud: FakeCloud) -> None:
    region = cloud["us-east-1"]
    region.add_environment("shop", "shop-workers-new", instances=60)
    first, second, *_ = region.instances.values()
    first.answers = [Answer()]
    second.state = "shutting-down"
    read = 0
    original = region.list_command_invocations

    def counted(**given: Any) -> dict[str, Any]:
        nonlocal read
        read += 1
        return original(**given)

    def leave(_turn: int) -> None:
        if minutes(cloud) > 4:
            second.state = "terminated"

    region.list_command_invocations = counted  # type: ignore[method-assign]
    story = Story(cloud, request(regions=cloud.names), leave)
    assert story.report()["counts"] == {"quiet": 119, "gone": 1}
    assert len(story.outcomes) > 20
    # Each of the three commands while the run follows them, in the final phase and at its end.
    assert read < 3 * len(region.commands) + 5
