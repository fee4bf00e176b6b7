"""What was named must match: a mistyped name would be left out in silence."""

from __future__ import annotations

from typing import Any

import pytest

from snow_white.aws.environments import NothingMatched
from snow_white.steps.discover import Discovery, discover
from tests.lambdas.fake_cloud import FakeCloud, network_error
from tests.lambdas.story import request


@pytest.fixture
def cloud() -> FakeCloud:
    cloud = FakeCloud()
    cloud["us-east-1"].add_environment("shop", "shop-workers", instances=2)
    cloud["us-east-1"].add_environment("shop", "shop-mailer", instances=1)
    return cloud


def found(cloud: FakeCloud, **asked: Any) -> Discovery:
    return discover(request(**asked), cloud)  # type: ignore[arg-type]


def test_a_named_pattern_that_matches_nothing_is_an_error_that_names_it_and_those_there_are(
    cloud: FakeCloud,
) -> None:
    asked = {"environments": ("workers", "malier"), "environments_named": True}
    with pytest.raises(NothingMatched, match=r"matches 'malier' .*shop-mailer, shop-workers"):
        found(cloud, **asked)
    assert not any("send_command" in region.calls for region in cloud.regions.values())


def test_an_unknown_application_is_an_error_that_lists_those_there_are(cloud: FakeCloud) -> None:
    cloud["eu-west-1"].add_environment("backups", "backups-workers", instances=1)
    with pytest.raises(NothingMatched, match=r"There is no such application there, but backups, shop\."):
        found(cloud, application="shpo")
    with pytest.raises(NothingMatched, match=r"There is no such application there, but shop\."):
        found(cloud, application="backups", regions=("us-east-1",))


def test_without_any_application_the_error_says_only_that_nothing_was_found() -> None:
    with pytest.raises(NothingMatched, match="No environment of that application was found"):
        found(FakeCloud())


def test_a_named_region_without_a_match_is_an_error_that_names_it(cloud: FakeCloud) -> None:
    with pytest.raises(NothingMatched, match="matches 'workers' in eu-west-1"):
        found(cloud, regions_named=True)


def test_what_only_the_settings_name_may_match_nothing(cloud: FakeCloud) -> None:
    plan = found(cloud, environments=("workers", "sidekiq")).plan
    assert [part.region for part in plan] == ["us-east-1"]


def test_while_a_region_does_not_answer_there_is_no_plan(cloud: FakeCloud) -> None:
    cloud["eu-west-1"].down = network_error()
    discovery = found(cloud)
    assert discovery.plan == ()
    assert discovery.waiting_for.keys() == {"eu-west-1"}
