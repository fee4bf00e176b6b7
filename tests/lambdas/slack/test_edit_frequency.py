"""A run's message is edited when something has changed, and not more often than Slack allows."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from snow_white.model.run import Run
from tests.lambdas import story
from tests.lambdas.fake_cloud import START, FakeCloud
from tests.lambdas.fake_hosts import Answer
from tests.lambdas.story import Story, request


@pytest.fixture
def edits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[datetime, Run]]:
    """The time of each edit, and the run that the message then shows."""
    seen: list[tuple[datetime, Run]] = []
    announced = story._announced

    def noted(run: Run, cloud: FakeCloud) -> Run:
        seen.append((cloud.clock.now, run))
        return announced(run, cloud)

    monkeypatch.setattr(story, "_announced", noted)
    return seen


def test_a_message_is_edited_only_when_something_has_changed(
    edits: list[tuple[datetime, Run]],
) -> None:
    cloud = FakeCloud()
    for region in cloud.regions.values():
        for number, instance in enumerate(region.add_environment("shop", "shop-workers", instances=120)):
            instance.answers = [Answer(after=5 + number * 37 % 1_500), Answer()]
    Story(cloud, request()).end()
    assert len(edits) > 20
    for (earlier, before), (later, after) in pairwise(edits):
        # The first command was sent at the start.
        assert later - earlier >= max(timedelta(seconds=15), 0.03 * (later - START))
        assert (before.progress, before.stragglers.known_at) != (after.progress, after.stragglers.known_at)


def test_while_nothing_is_confirmed_the_message_is_edited_for_new_stragglers_only(
    edits: list[tuple[datetime, Run]],
) -> None:
    cloud = FakeCloud()
    (slow,) = cloud["us-east-1"].add_environment("shop", "shop-workers", instances=1)
    slow.answers = [Answer(after=3_600), Answer()]
    Story(cloud, request(regions=("us-east-1",))).end()
    assert 5 <= len(edits) <= 3_600 / 300
