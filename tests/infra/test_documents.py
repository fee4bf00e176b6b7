"""Every worker region has the four documents, as infra/command_documents.py puts them together."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from infra.command_documents import DOCUMENT_NAMES, command_document
from tests.infra.conftest import REGIONS
from tests.infra.templates import Assembly, Json

ACTIONS = ["quiet", "stop", "wake", "status"]


@pytest.fixture(scope="module", params=REGIONS)
def documents(request: pytest.FixtureRequest, assembly: Assembly) -> dict[str, Json]:
    """The documents of one region, by name."""
    template = assembly.template(f"SnowWhite-Documents-{request.param}")
    return {each["Name"]: each for each in template.resources("AWS::SSM::Document").values()}


def test_a_region_has_one_document_per_action_under_its_fixed_name(documents: dict[str, Json]) -> None:
    assert list(documents) == [f"SnowWhite-{action.capitalize()}SidekiqWorkers" for action in ACTIONS]


@pytest.mark.parametrize("action", ACTIONS)
def test_a_document_is_what_command_documents_says(action: str, documents: dict[str, Json]) -> None:
    document = documents[DOCUMENT_NAMES[action]]
    assert document["Content"] == command_document(action)
    assert (document["DocumentType"], document["DocumentFormat"]) == ("Command", "JSON")


def test_a_changed_script_becomes_a_new_version_under_the_same_name(documents: dict[str, Json]) -> None:
    assert {each["UpdateMethod"] for each in documents.values()} == {"NewVersion"}


def test_a_document_is_smaller_than_the_service_takes(documents: dict[str, Json]) -> None:
    assert all(len(json.dumps(each["Content"])) < 64 * 1024 for each in documents.values())


@given(number=st.integers(min_value=-10, max_value=1_000_000))
@example(number=59)
@example(number=60)
@example(number=172_800)
@example(number=172_801)
def test_the_time_a_worker_is_given_is_between_a_minute_and_two_days(number: int) -> None:
    for action in ACTIONS:
        assert accepts(action, str(number)) is (60 <= number <= 172_800)


@given(tail=st.text(min_size=1).filter(lambda tail: not tail.isdecimal() or not tail.isascii()))
@example(tail="\n")
@example(tail="; reboot")
@example(tail="$(reboot)")
def test_nothing_but_digits_gets_into_the_script(tail: str) -> None:
    assert not accepts("quiet", f"7200{tail}")
    assert not accepts("quiet", f"{tail}7200")


def accepts(action: str, value: str) -> bool:
    """Whether the agent would take the value; it searches the pattern anywhere, hence the anchors."""
    parameter = command_document(action)["parameters"]["executionTimeout"]
    assert parameter["type"] == "String"
    pattern = parameter["allowedPattern"]
    assert pattern.startswith("^")
    assert pattern.endswith("$")
    # To the agent, written in Go, $ is the very end; Python lets a line break follow.
    return re.search(pattern[:-1] + r"\Z", value) is not None


def test_the_documents_are_there_before_a_machine_that_sends_them(assembly: Assembly) -> None:
    stacks = assembly.stacks()
    assert set(stacks) == {"SnowWhite", *(f"SnowWhite-Documents-{region}" for region in REGIONS)}
    assert set(stacks) - {"SnowWhite"} <= set(stacks["SnowWhite"]["dependencies"])


def test_each_stack_goes_to_its_own_region_of_the_account_that_deploys(assembly: Assembly) -> None:
    places = {name: stack["environment"] for name, stack in assembly.stacks().items()}
    assert places["SnowWhite"] == "aws://unknown-account/us-east-1"
    for region in REGIONS:
        assert places[f"SnowWhite-Documents-{region}"] == f"aws://unknown-account/{region}"
