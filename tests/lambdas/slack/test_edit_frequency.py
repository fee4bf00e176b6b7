"""A run's message is edited when something has changed, and not more often than Slack allows."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from snow_white.model.request import Request
from snow_white.model.run import Run
from tests.lambdas.fake_cloud import START, FakeCloud
from tests.lambdas.fake_hosts import Answer
from tests.lambdas.story import Story, request


def edits_of(cloud: FakeCloud, asked: Request) -> list[tuple[datetime, Run]]:
    """The time of each edit, and the run that the message then shows."""
    seen: list[tuple[datetime, Run]] = []
    Story(cloud, asked, announced=lambda run: seen.append((cloud.clock.now, run))).end()
    return seen


def test_a_message_is_edited_only_when_something_has_changed() -> None:
    cloud = FakeCloud()
    for region in cloud.regions.values():
        for number, instance in enumerate(region.add_environment("shop", "shop-workers", instances=120)):
            instance.answers = [Answer(after=5 + number * 37 % 1_500), Answer()]
    edits = edits_of(cloud, request())
    assert len(edits) > 20
    for (earlier, before), (later, after) in pairwise(edits):
        # The first command was sent at the start.
        assert later - earlier >= max(timedelta(seconds=15), 0.03 * (later - START))
        assert (before.progress, before.stragglers.known_at) != (after.progress, after.stragglers.known_at)


def test_while_nothing_is_confirmed_the_message_is_edited_for_new_stragglers_only() -> None:
    cloud = FakeCloud()
    (slow,) = cloud["us-east-1"].add_environment("shop", "shop-workers", instances=1)
    slow.answers = [Answer(after=3_600), Answer()]
    edits = edits_of(cloud, request(regions=("us-east-1",)))
    assert 5 <= len(edits) <= 3_600 / 300
