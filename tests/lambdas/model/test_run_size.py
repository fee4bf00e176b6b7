"""Long and large runs stay within the limits of Step Functions and make few calls."""

from __future__ import annotations

import json
from random import Random
from string import ascii_lowercase, digits

import pytest

from snow_white.model.fleet import Group, RegionPlan
from snow_white.model.run import Execution, Run
from snow_white.model.serialisation import from_json, to_json
from snow_white.steps.discover import discover
from snow_white.steps.dispatch import dispatch
from snow_white.steps.poll import poll
from tests.lambdas.fake_cloud import START, FakeCloud
from tests.lambdas.fake_hosts import Answer, FakeInstance, says
from tests.lambdas.steps.test_whole_runs import BUSY
from tests.lambdas.story import Story, request


def test_a_drain_of_48_hours_stays_within_the_history_and_the_state() -> None:
    cloud = FakeCloud()
    cloud["us-east-1"].add_environment("shop", "shop-workers", instances=2)
    cloud["eu-west-1"].add_environment("shop", "shop-workers-eu", instances=1)
    for region in cloud.regions.values():
        for number, one in enumerate(region.instances.values()):
            one.answers = [Answer(after=172_000 - 40_000 * number), Answer(20)]
    story = Story(cloud, request(timeout_seconds=172_800))
    assert story.report()["counts"] == {"quiet": 3}
    assert story.events < 25_000


@pytest.mark.parametrize(
    ("regions", "environments", "instances", "last_end"),
    [
        pytest.param(12, 4, 209, 1_065, id="10,000 instances in 48 environments"),
        pytest.param(17, 59, 20, 200, id="20,000 instances in 1,000 environments"),
    ],
)
def test_a_large_fleet_of_which_much_goes_wrong_fits_into_the_state(
    regions: int, environments: int, instances: int, last_end: int
) -> None:
    names = tuple(f"us-east-{number}" for number in range(regions))
    cloud = FakeCloud(names)
    leaving: list[FakeInstance] = []
    for name in names:
        for number in range(environments):
            workers = cloud[name].add_environment("shop", f"shop-workers-{number}", instances=instances)
            for index, one in enumerate(workers):
                one.answers = [Answer(after=20 + index * (last_end - 20) // instances), Answer(20)]
                if index % 20 == 1:
                    one.managed = False
                if index % 20 == 3:
                    leaving.append(one)
                if index % 20 == 0:
                    one.answers = [
                        Answer(300, "Failed", 2, says("busy", message="m" * 900, processes=[BUSY] * 25))
                    ]

    def leave(turn: int) -> None:
        for one in leaving[turn * 100 : (turn + 1) * 100]:
            one.state = "terminated"

    story = Story(cloud, request(regions=names), leave)
    report = story.report()
    assert report["instances"] + report["counts"]["gone"] == regions * environments * instances
    problems = len(report["problems"]) + report["more_problems"]
    assert problems == report["counts"]["busy"] + report["counts"]["unreachable"]
    assert story.largest_state < 100_000
    assert len(json.dumps(report["cause"])) < 32_768


@pytest.mark.parametrize(("environments", "packed"), [(1, False), (400, False), (1_000, True)])
def test_hundreds_of_environments_take_a_third_of_the_bytes_and_are_read_as_they_were(
    environments: int, packed: bool
) -> None:
    random = Random(environments)  # noqa: S311
    alphabet = ascii_lowercase + digits
    groups = tuple(
        Group(f"shop-workers-{number}", f"e-{''.join(random.choices(alphabet, k=10))}")
        for number in range(environments)
    )
    plan = (RegionPlan("us-east-1", groups[::2], 20), RegionPlan("eu-west-1", groups[1::2], 30, 1))
    run = Run.planned(
        Execution("arn:aws:states:us-east-1:1:execution:SnowWhite:night-1", "night-1", START), request(), plan
    )
    written = json.loads(json.dumps(to_json(run)))
    assert from_json(written, Run) == run
    assert [isinstance(part["environments"], str) for part in written["plan"]] == [packed, packed]
    as_they_are = json.dumps([{"name": one.name, "id": one.id} for one in groups])
    assert (len(json.dumps(written["plan"])) < len(as_they_are) / 2.5) is packed


def test_what_hundreds_of_instances_are_refused_for_takes_little_of_the_state() -> None:
    cloud = FakeCloud(("us-east-1",))
    for one in cloud["us-east-1"].add_environment("shop", "shop-workers", instances=300):
        one.refused = True
    run = Run.planned(
        Execution("arn:aws:states:us-east-1:1:execution:SnowWhite:night-1", "night-1", START),
        request(regions=("us-east-1",)),
        discover(request(regions=("us-east-1",)), cloud).plan,  # type: ignore[arg-type]
    )
    run = dispatch(run, cloud, cloud.clock.now)  # type: ignore[arg-type]
    assert len(run.refusals) == 60
    assert len(json.dumps(to_json(run))) < 15_000


def test_a_poll_reads_a_page_of_commands_and_not_every_instance() -> None:
    cloud = FakeCloud(("us-east-1",))
    for one in cloud["us-east-1"].add_environment("shop", "shop-workers", instances=1000):
        one.answers = [Answer(after=5000)]
    run = Run.planned(
        Execution("arn:aws:states:us-east-1:1:execution:SnowWhite:night-1", "night-1", START),
        request(regions=("us-east-1",)),
        discover(request(regions=("us-east-1",)), cloud).plan,  # type: ignore[arg-type]
    )
    run = dispatch(run, cloud, cloud.clock.now)  # type: ignore[arg-type]
    cloud.clock.advance(60)
    cloud["us-east-1"].calls.clear()
    poll(run, cloud, cloud.clock.now)  # type: ignore[arg-type]
    assert cloud["us-east-1"].calls == [
        "list_commands",
        "describe_instances",
        "describe_instance_information",
    ]
