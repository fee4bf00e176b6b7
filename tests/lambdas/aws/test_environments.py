"""Which environments a pattern means."""

from __future__ import annotations

import pytest

from snow_white.aws.environments import application_environments, describe_miss, matches
from tests.lambdas.fake_cloud import FakeCloud


@pytest.mark.parametrize(
    ("pattern", "name", "meant"),
    [
        ("workers", "shop-workers-1", True),
        ("WORKERS", "shop-Workers-1", True),
        ("workers", "shop-web", False),
        ("shop-*", "shop-workers", True),
        ("shop-*", "old-shop-workers", False),
        ("*-work?rs", "shop-workers", True),
        ("shop-[ab]", "shop-b", True),
        ("shop-[ab]", "shop-c", False),
        ("shop.workers", "shop-workers", False),
    ],
)
def test_a_pattern_is_text_contained_in_the_name_or_a_glob_for_all_of_it(
    pattern: str, name: str, meant: bool
) -> None:
    assert matches(name, [pattern]) is meant


def test_one_of_several_patterns_is_enough() -> None:
    assert matches("blue-workers", ["green", "blue"])


def test_all_pages_are_read() -> None:
    region = FakeCloud()["us-east-1"]
    for number in range(450):
        region.add_environment("shop", f"workers-{number:03}")
    region.add_environment("other", "workers")
    found = application_environments(region, "shop")  # type: ignore[arg-type]
    assert [one.name for one in found] == [f"workers-{number:03}" for number in range(450)]


def test_a_miss_shows_what_was_looked_for_and_what_there_is() -> None:
    said = describe_miss("shop", ["wrokers"], ["us-east-1", "eu-west-1"], ["shop-workers", "shop-web"])
    assert "'wrokers'" in said
    assert "us-east-1, eu-west-1" in said
    assert "shop-web, shop-workers" in said


def test_a_miss_says_when_the_application_has_no_environment_at_all() -> None:
    assert "No environment of that application" in describe_miss("shpo", ["workers"], ["us-east-1"], [])
