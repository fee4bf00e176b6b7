"""A request selects an application, Auto Scaling groups or tags, within the limits of the settings."""

from __future__ import annotations

from typing import Any

import pytest

from snow_white.model.fleet import GROUP_NAME_TAG, Fleet, Group
from snow_white.model.request import Defaults, InvalidRequest, Limits, Request
from snow_white.model.selection import selection
from snow_white.model.serialisation import from_json, to_json
from snow_white.model.stated_request import StatedRequest

LIMITS = Limits(("backups-*", "mail"), {"Role": ("worker", "job-*"), "Sidekiq": ("yes",)})
DEFAULTS = Defaults(("us-east-1",), ("workers",), LIMITS)


def parse(**asked: Any) -> Request:
    return Request.parse({"action": "quiet", **asked}, DEFAULTS)


def refusal(defaults: Defaults = DEFAULTS, **asked: Any) -> str:
    with pytest.raises(InvalidRequest) as caught:
        Request.parse({"action": "quiet", **asked}, defaults)
    return str(caught.value)


def test_groups_are_named_in_place_of_an_application() -> None:
    request = parse(auto_scaling_groups="backups-*")
    assert request.fleet == Fleet(auto_scaling_groups=("backups-*",))
    assert request.fleet.name == "backups-*"
    assert request.names_patterns


def test_so_are_tags_each_with_one_value_or_several() -> None:
    request = parse(tags={"Role": "worker", "Stage": ["blue", "green"]})
    assert request.fleet == Fleet(tags={"Role": ("worker",), "Stage": ("blue", "green")})
    assert request.fleet.name == "Role=worker, Stage=blue, Stage=green"


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({}, "In its place there may be 'auto_scaling_groups' or 'tags'."),
        (
            {"application": "shop", "tags": {"Role": "worker"}},
            "'application' and 'tags' cannot be named together: each selects a whole fleet.",
        ),
        (
            {"auto_scaling_groups": "mail", "environments": "workers"},
            "'environments' are those of an 'application', and cannot be named with 'auto_scaling_groups'.",
        ),
        ({"auto_scaling_groups": []}, "'auto_scaling_groups' must be a text or a list of 1 to 50 texts"),
        (
            {"auto_scaling_groups": ["mail", "web-*", "*"]},
            "'auto_scaling_groups' names 'web-*', '*', but the setting worker_groups allows only backups-*, mail.",
        ),
        (
            {"tags": {"Role": ["worker", "web"]}},
            "'tags' names 'Role=worker', 'Role=web', but the setting worker_tags allows only Role=worker, Role=job-*, "
            "Sidekiq=yes.",
        ),
        ({"tags": {"Stage": "blue"}}, "'tags' names 'Stage=blue', but the setting worker_tags allows only"),
        ({"tags": "Role=worker"}, '\'tags\' must be an object of 1 to 10 tags, such as {"Role": ["worker"]}'),
        ({"tags": {}}, "'tags' must be an object"),
        ({"tags": {"Role": []}}, "'tags' must be an object"),
        ({"tags": {"Role": [7]}}, "'tags' must be an object"),
        (
            {"application": "shop", "instances": ["i-0abc"]},
            "'instances' must be ids such as i-0123456789abcdef0, not",
        ),
        ({"tags": {"Role=a": "worker"}}, "'tags' must be an object"),
        ({"tags": {f"k{n}": "v" for n in range(11)}}, "'tags' must be an object"),
        (
            {"tags": {"Role": [f"v{n}" for n in range(26)], "Stage": [f"v{n}" for n in range(25)]}},
            "and for each a text or a list of texts, 50 in all",
        ),
    ],
)
def test_what_cannot_be_selected_is_explained(asked: dict[str, Any], sentence: str) -> None:
    assert sentence in refusal(**asked)


def test_without_limits_nothing_but_applications_may_be_selected() -> None:
    nothing = Defaults(("us-east-1",), ("workers",))
    assert "the setting worker_groups allows none" in refusal(nothing, auto_scaling_groups="mail")
    assert "the setting worker_tags allows none" in refusal(nothing, tags={"Role": "worker"})


def test_a_second_tag_may_be_any_because_it_only_selects_some_of_the_first_one_s() -> None:
    assert parse(tags={"Stage": "*", "Role": "job-?"}).tags == {"Stage": ("*",), "Role": ("job-?",)}


@pytest.mark.parametrize(
    "asked",
    [
        {"application": "shop", "environments": ["workers", "mail-*"]},
        {"auto_scaling_groups": ["mail", "backups-*"]},
        {"tags": {"Role": ["worker"], "Stage": ["a=b"]}},
        {
            "application": "shop",
            "environments": "workers",
            "instances": ["i-0123456789abcdef0", "i-01234567"],
        },
    ],
)
def test_the_fleet_is_the_same_when_it_is_read_from_the_input_from_the_state_and_as_stated(
    asked: dict[str, Any],
) -> None:
    request = parse(**asked)
    assert from_json(to_json(request), Request) == request
    for raw in ({"action": "quiet", **asked}, to_json(request)):
        stated = StatedRequest.read(raw)
        assert stated.fleet(DEFAULTS) == request.fleet
        assert stated.fleet_name == request.fleet.name
    assert from_json(to_json(StatedRequest.of(request)), StatedRequest) == StatedRequest.of(request)
    assert parse(**selection(StatedRequest.of(request))).fleet == request.fleet


def test_single_instances_are_named_beside_what_they_are_selected_from() -> None:
    request = parse(auto_scaling_groups="mail", instances="i-0123456789abcdef0")
    assert request.fleet.name == "mail (i-0123456789abcdef0)"
    assert request.fleet.members([]).ids == ("i-0123456789abcdef0",)


def test_an_instance_is_listed_under_its_environment_its_group_or_else_its_tags() -> None:
    beanstalk = {"elasticbeanstalk:environment-name": "shop-workers", GROUP_NAME_TAG: "awseb-e-1-stack"}
    by_tags = Fleet(tags={"Role": ("worker",)}).members([])
    assert by_tags.group_of({"Role": "worker", **beanstalk}) == "shop-workers"
    assert by_tags.group_of({"Role": "worker", GROUP_NAME_TAG: "mail"}) == "mail"
    assert by_tags.group_of({"Role": "worker"}) == "Role=worker"
    assert Fleet(auto_scaling_groups=("*",)).members([]).group_of(beanstalk) == "awseb-e-1-stack"
    ids = {"elasticbeanstalk:environment-id": "e-1", **beanstalk}
    assert Fleet("shop").members([Group("workers", "e-1")]).group_of(ids) == "workers"
