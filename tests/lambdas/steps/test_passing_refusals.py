"""A refusal of AWS that passes delays a run; one that stays ends it, soon."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from snow_white.aws.regions import RegionRefused
from tests.lambdas.fake_cloud import START, FakeCloud, client_error
from tests.lambdas.fake_hosts import Answer
from tests.lambdas.story import Story, request

DENIED = client_error("AccessDeniedException", "not authorized to perform it", 400)
CALLS = (
    "describe_environments",
    "describe_instances",
    "describe_document",
    "describe_instance_information",
    "list_commands",
    "list_command_invocations",
    "send_command",
)


@pytest.fixture
def cloud() -> FakeCloud:
    cloud = FakeCloud(("us-east-1",))
    cloud["us-east-1"].add_environment("shop", "shop-workers", instances=3)
    return cloud


def seconds(cloud: FakeCloud) -> float:
    return (cloud.clock.now - START).total_seconds()


def refuse(cloud: FakeCloud, call: str, first: float, last: float) -> None:
    region = cloud["us-east-1"]
    works: Callable[..., Any] = getattr(region, call)

    def answer(**given: Any) -> Any:
        if first <= seconds(cloud) < last:
            raise DENIED
        return works(**given)

    setattr(region, call, answer)


def report(cloud: FakeCloud, **changes: Any) -> dict[str, Any]:
    return Story(cloud, request(regions=cloud.names, **changes)).report()


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("first", [0, 3, 15, 100])
def test_a_call_that_is_refused_for_a_while_fails_no_run(cloud: FakeCloud, call: str, first: float) -> None:
    slow, *_ = cloud["us-east-1"].instances.values()
    slow.answers = [Answer(after=120), Answer()]
    refuse(cloud, call, first, first + 45)
    assert report(cloud)["counts"] == {"quiet": 3}


def test_a_region_that_refuses_for_minutes_during_a_drain_of_an_hour_fails_no_run(cloud: FakeCloud) -> None:
    slow, *_ = cloud["us-east-1"].instances.values()
    slow.answers = [Answer(after=3_600), Answer()]
    refuse(cloud, "list_commands", 1_800, 2_040)
    assert report(cloud)["counts"] == {"quiet": 3}


def test_a_region_that_goes_on_refusing_ends_the_run_long_before_its_deadline(cloud: FakeCloud) -> None:
    slow, *_ = cloud["us-east-1"].instances.values()
    slow.answers = [Answer(after=3_600)]
    refuse(cloud, "list_commands", 60, 1_000_000)
    ended = report(cloud, timeout_seconds=7_200)
    assert [one["instance"] for one in ended["problems"]] == ["all"]
    assert "not authorized" in ended["cause"]
    assert 300 <= ended["duration_seconds"] < 480


def test_a_sending_that_is_always_refused_ends_the_run_in_minutes(cloud: FakeCloud) -> None:
    refuse(cloud, "send_command", 0, 1_000_000)
    ended = report(cloud)
    assert "not authorized" in ended["cause"]
    assert 60 <= ended["duration_seconds"] < 240


@pytest.mark.parametrize("call", ["describe_environments", "describe_document"])
def test_a_refusal_at_the_start_is_told_when_it_has_stayed_for_a_minute(cloud: FakeCloud, call: str) -> None:
    refuse(cloud, call, 0, 1_000_000)
    with pytest.raises(RegionRefused, match="us-east-1"):
        report(cloud)
    assert 60 <= seconds(cloud) < 90
    assert cloud["us-east-1"].commands == []
