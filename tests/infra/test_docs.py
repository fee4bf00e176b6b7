"""docs/ names what there is: permissions, verdicts, errors, states, files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.command_documents import DOCUMENT_NAMES
from snow_white.model.verdict import Verdict
from tests.infra.templates import Template, allowed

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text()


def test_every_action_that_a_function_s_role_allows_is_in_the_permissions(home: Template) -> None:
    granted = {action for role in home.resources("AWS::IAM::Role").values() for action, _, _ in allowed(role)}
    machinery = re.compile(r"(logs|xray):")
    missing = {
        action for action in granted if not machinery.match(action) and action not in page("permissions")
    }
    assert missing == set()


def test_every_action_of_the_invoke_policy_is_in_the_permissions(home: Template) -> None:
    for action, _, _ in allowed(home.only("AWS::IAM::ManagedPolicy")):
        assert f"`{action}`" in page("permissions")


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_says_what_it_means_and_what_to_do(verdict: Verdict) -> None:
    (row,) = [line for line in page("operating").splitlines() if line.startswith(f"| `{verdict.value}` |")]
    _, _, meaning, to_do, _ = row.split("|")
    assert meaning.strip()
    assert to_do.strip()


def test_every_error_that_ends_a_run_is_in_operating() -> None:
    for error in ("NotConfirmed", "NothingMatched", "InvalidRequest", "RegionRefused", "RegionUnavailable"):
        assert f"`{error}`" in page("operating")


def test_every_state_is_in_the_architecture(home: Template) -> None:
    missing = {name for name in home.machine()["States"] if f"`{name}`" not in page("architecture")}
    assert missing == set()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_files_and_pages_that_are_named_exist(path: Path) -> None:
    text = path.read_text()
    named = re.findall(r"`\.?/?((?:infra|lambdas|scripts|ssm_documents|tests)/[\w./]*)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []
    links = re.findall(r"\]\(([\w-]+\.md)(#[\w-]+)?\)", text)
    for target, anchor in links:
        headings = re.findall(r"^#+ (.*)$", (DOCS / target).read_text(), re.MULTILINE)
        assert not anchor or anchor[1:] in {heading.lower().replace(" ", "-") for heading in headings}


def test_every_action_is_shown_on_the_command_line() -> None:
    for action in DOCUMENT_NAMES:
        assert f"./scripts/snow-white {action} " in page("operating")
