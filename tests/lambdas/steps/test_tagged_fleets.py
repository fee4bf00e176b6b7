"""Auto Scaling groups and tagged instances: the same steps and verdicts as for an application's environments."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from snow_white.aws.environments import NothingMatched
from snow_white.aws.executions import OppositeRunUnderWay, RunUnderWay
from snow_white.model.action import Action
from snow_white.model.fleet import ENVIRONMENT_NAME_TAG, GROUP_NAME_TAG
from snow_white.model.request import Defaults, Request
from snow_white.model.run import Execution, Run
from snow_white.model.stated_request import StatedRequest
from snow_white.steps.discover import Discovery, discover
from snow_white.steps.opposite_run import demand_no_opposite_run
from tests.lambdas.fake_cloud import START, FakeCloud, network_error
from tests.lambdas.fake_hosts import Answer, FakeInstance, says
from tests.lambdas.story import Story, request

BACKUPS: dict[str, Any] = {"application": "", "environments": (), "auto_scaling_groups": ("backups-*",)}
WORKERS: dict[str, Any] = {"application": "", "environments": (), "tags": {"Role": ("worker",)}}
DEFAULTS = Defaults(("us-east-1", "eu-west-1"), ("workers",))


def grouped(cloud: FakeCloud, group: str, region: str = "us-east-1", **changes: Any) -> FakeInstance:
    tags = {GROUP_NAME_TAG: group, **changes.pop("tags", {})}
    return cloud[region].add_instance(tags=tags, **changes)


@pytest.fixture
def cloud() -> FakeCloud:
    """Two groups of backups, one of which has the tag of workers too, another group, and one without a group."""
    cloud = FakeCloud()
    grouped(cloud, "backups-blue", tags={"Role": "worker"})
    grouped(cloud, "backups-green", "eu-west-1")
    grouped(cloud, "web", tags={"Role": "web"})
    cloud["us-east-1"].add_instance(tags={"Role": "worker"})
    return cloud


def found(cloud: FakeCloud, **asked: Any) -> Discovery:
    return discover(request(**asked), cloud)  # type: ignore[arg-type]


def listed(report: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one["region"], one["environment"]) for one in report["hosts"]}


def test_the_instances_of_every_group_that_matches_are_confirmed_and_no_other_one_is_sent_to(
    cloud: FakeCloud,
) -> None:
    report = Story(cloud, request(Action.STATUS, **BACKUPS)).report()
    assert report["result"] == "confirmed"
    assert listed(report) == {("us-east-1", "backups-blue"), ("eu-west-1", "backups-green")}
    assert (report["auto_scaling_groups"], report["groups"]) == (
        ["backups-*"],
        ["backups-blue", "backups-green"],
    )
    assert report["application"] is None
    assert [one.received for one in cloud["us-east-1"].instances.values()] == [1, 0, 0]
    assert "describe_environments" not in cloud["us-east-1"].calls


def test_a_tagged_instance_is_listed_under_its_group_or_the_tags(
    cloud: FakeCloud,
) -> None:
    report = Story(cloud, request(Action.STATUS, **WORKERS)).report()
    assert listed(report) == {("us-east-1", "backups-blue"), ("us-east-1", "Role=worker")}
    assert (report["tags"], report["groups"]) == (["Role=worker"], ["Role=worker", "backups-blue"])


def test_an_instance_must_have_all_of_several_tags(cloud: FakeCloud) -> None:
    both = {**WORKERS, "tags": {"Role": ("worker",), GROUP_NAME_TAG: ("backups-*",)}}
    assert listed(Story(cloud, request(Action.STATUS, **both)).report()) == {("us-east-1", "backups-blue")}


def test_of_an_environment_s_instance_the_environment_is_named_and_not_its_auto_scaling_group() -> None:
    cloud = FakeCloud()
    grouped(cloud, "awseb-e-1-stack", tags={"Role": "worker", ENVIRONMENT_NAME_TAG: "shop-workers"})
    assert listed(Story(cloud, request(Action.STATUS, **WORKERS)).report()) == {("us-east-1", "shop-workers")}


def test_who_is_not_confirmed_is_named_with_the_group(cloud: FakeCloud) -> None:
    busy = next(iter(cloud["eu-west-1"].instances.values()))
    busy.answers = [Answer(status="Failed", exit_code=2, output=says("busy", message="2 jobs"))]
    report = Story(cloud, request(**BACKUPS)).report()
    (problem,) = report["problems"]
    assert (problem["environment"], problem["verdict"]) == ("backups-green", "busy")


def test_an_instance_that_a_group_launches_during_the_run_is_in_scope_as_is_a_new_group_elsewhere() -> None:
    cloud = FakeCloud()
    grouped(cloud, "backups-blue", answers=[Answer(after=1_500), Answer()])
    launched: list[FakeInstance] = []

    def meanwhile(turn: int) -> None:
        if turn == 3:
            now = cloud.clock.now
            launched.append(grouped(cloud, "backups-blue", launched_at=now))
            launched.append(grouped(cloud, "backups-red", "eu-west-1", launched_at=now))

    report = Story(cloud, request(**BACKUPS), meanwhile).report()
    assert report["counts"] == {"quiet": 3}
    assert report["groups"] == ["backups-blue", "backups-red"]
    assert all(one.received for one in launched)


def test_what_matches_nothing_is_named_before_anything_is_sent_with_what_is_there(cloud: FakeCloud) -> None:
    misses: list[tuple[dict[str, Any], str]] = [
        (
            {**BACKUPS, "auto_scaling_groups": ("backups-*", "bakups")},
            r"No instance in us-east-1, eu-west-1 is in an Auto Scaling group that matches 'bakups'\. "
            r"There are instances of backups-blue, backups-green, web\.",
        ),
        (
            {**WORKERS, "tags": {"Role": ("worker", "wroker")}},
            r"has the tag 'Role=wroker'\. There are instances with Role=web, Role=worker\.",
        ),
        (
            {**WORKERS, "tags": {"Role": ("worker",), GROUP_NAME_TAG: ("web",)}},
            r"has the tags 'Role=worker' and 'aws:autoscaling:groupName=web'\.",
        ),
        ({**WORKERS, "regions_named": True}, r"No instance in eu-west-1 has the tag 'Role=worker'\."),
    ]
    for asked, sentence in misses:
        with pytest.raises(NothingMatched, match=sentence):
            found(cloud, **asked)
    assert not any("send_command" in region.calls for region in cloud.regions.values())


def test_a_backslash_in_a_name_is_none_for_ec2() -> None:
    cloud = FakeCloud()
    grouped(cloud, "a\\b")
    assert found(cloud, **{**BACKUPS, "auto_scaling_groups": ("a\\*",)}).plan
    assert cloud["us-east-1"].filters[0]["Values"] == ["a\\\\*"]


def test_of_what_is_selected_only_the_instances_that_are_named_are_in_scope(cloud: FakeCloud) -> None:
    other = grouped(cloud, "backups-blue")
    first = next(iter(cloud["us-east-1"].instances.values()))

    def launch(turn: int) -> None:
        if turn == 0:
            grouped(cloud, "backups-blue", launched_at=cloud.clock.now)

    asked = request(Action.STATUS, **BACKUPS, instances=(first.id,))
    report = Story(cloud, asked, launch).report()
    assert [one["instance"] for one in report["hosts"]] == [first.id]
    assert (report["instances"], report["instance_ids"]) == (1, [first.id])
    assert (first.received, other.received) == (1, 0)


def test_of_an_application_too(cloud: FakeCloud) -> None:
    first, second = cloud["us-east-1"].add_environment("shop", "shop-workers", instances=2)
    report = Story(cloud, request(instances=(second.id,))).report()
    assert report["counts"] == {"quiet": 1}
    assert (first.received, second.received) == (0, 1)


def test_a_named_instance_that_is_not_selected_is_named_before_anything_is_sent(cloud: FakeCloud) -> None:
    (blue, web, _) = cloud["us-east-1"].instances
    with pytest.raises(
        NothingMatched, match=rf"Not among the instances of backups-blue, backups-green \(.*\): {web}\."
    ):
        found(cloud, **BACKUPS, instances=(blue, web))


def test_runs_on_different_instances_of_one_application_are_not_opposite(cloud: FakeCloud) -> None:
    first, second = cloud["us-east-1"].add_environment("shop", "shop-workers", instances=2)
    run = a_run(cloud, request(instances=(first.id,)))
    shop = {"application": "shop"}
    demand_no_opposite_run(run, [under_way(**shop, instances=second.id)], DEFAULTS, cloud)  # type: ignore[arg-type]
    for same in ({}, {"instances": [first.id, second.id]}):
        with pytest.raises(OppositeRunUnderWay):
            demand_no_opposite_run(run, [under_way(**shop, **same)], DEFAULTS, cloud)  # type: ignore[arg-type]


def a_run(cloud: FakeCloud, asked: Request) -> Run:
    plan = discover(asked, cloud).plan  # type: ignore[arg-type]
    return Run.planned(Execution("arn:1", "night-1", START), asked, plan)


def under_way(**stated: Any) -> RunUnderWay:
    asked = StatedRequest.read({"action": "wake", **stated})
    return RunUnderWay("arn:2", "wake-2", START - timedelta(minutes=5), asked)


@pytest.mark.parametrize(
    "stated",
    [
        {"auto_scaling_groups": "backups-blue"},
        {"tags": {"Role": ["worker"]}},
        {"application": "shop", "environments": ["mail", "workers"]},
    ],
)
def test_an_opposite_run_is_found_by_the_instances_that_both_select_whatever_selects_them(
    cloud: FakeCloud, stated: dict[str, Any]
) -> None:
    cloud["us-east-1"].add_environment("shop", "shop-workers")
    shared = next(iter(cloud["us-east-1"].instances.values()))
    shared.environment_id = cloud["us-east-1"].environments[0]["EnvironmentId"]
    run = a_run(cloud, request(**BACKUPS))
    with pytest.raises(
        OppositeRunUnderWay, match=r"A wake of '(backups-blue|Role=worker|shop)' is under way"
    ):
        demand_no_opposite_run(run, [under_way(**stated)], DEFAULTS, cloud)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "stated",
    [
        {"auto_scaling_groups": "web"},
        {"tags": {"Role": ["web"]}},
        {"tags": {"Role": ["worker"]}, "regions": "eu-west-1"},
        {"application": "backups"},
        {},
    ],
)
def test_a_run_without_a_common_instance_is_no_matter(cloud: FakeCloud, stated: dict[str, Any]) -> None:
    run = a_run(cloud, request(**BACKUPS))
    demand_no_opposite_run(run, [under_way(**stated)], DEFAULTS, cloud)  # type: ignore[arg-type]


def test_a_region_that_does_not_answer_the_comparison_keeps_no_run_from_starting(cloud: FakeCloud) -> None:
    run = a_run(cloud, request(**BACKUPS))
    for region in cloud.regions.values():
        region.down = network_error()
    demand_no_opposite_run(run, [under_way(auto_scaling_groups="backups-*")], DEFAULTS, cloud)  # type: ignore[arg-type]


def test_who_leaves_the_group_during_the_run_stays_in_scope_and_is_not_confirmed_without_another_answer(
    cloud: FakeCloud,
) -> None:
    first = next(iter(cloud["us-east-1"].instances.values()))
    busy = next(iter(cloud["eu-west-1"].instances.values()))
    busy.answers = [Answer(after=1_200), Answer()]

    def leave(turn: int) -> None:
        if turn == 3:
            first.tags = {}
            first.refused = True

    report = Story(cloud, request(**BACKUPS), leave).report()
    assert report["result"] == "not_confirmed"
    assert [one["instance"] for one in report["problems"]] == [first.id]
    assert report["counts"]["quiet"] == 1
