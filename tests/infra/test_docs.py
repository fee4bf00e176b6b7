"""README.md and docs/ name what exists: permissions, verdicts, errors, states, folders, files, links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from snow_white.model.action import Action
from snow_white.model.verdict import Verdict
from snow_white.version import VERSION
from tests.infra.templates import Template, allowed

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
CODE_BLOCK = re.compile(r"^( *)```.*?^\1```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")


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


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings; of two equal headings the second gets -1."""
    found: list[str] = []
    for heading in re.findall(r"^#+ (.*)$", CODE_BLOCK.sub("", path.read_text()), re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        found.append(f"{slug}-{found.count(slug)}" if slug in found else slug)
    return set(found)


def broken_links(path: Path) -> list[str]:
    """The relative links of a page whose file or anchor does not exist."""
    broken = []
    for link in LINK.findall(CODE_BLOCK.sub("", path.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    return broken


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_files_that_are_named_exist(path: Path) -> None:
    named = re.findall(
        r"`\.?/?((?:infra|lambdas|scripts|ssm_documents|tests|docs)/[\w./-]*)`", path.read_text()
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_links_lead_to_files_and_headings_that_exist(path: Path) -> None:
    assert broken_links(path) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A `b`: c\n[1](#a-b-c) [2](page.md#a-b-c) [3](https://example.com/x) [4](#a) [5](no.md)\n"
        "```\n# d\n[6](no.md)\n```\n![7](no.png) [8](page.md#d)\n"
    )
    assert broken_links(page) == ["#a", "no.md", "no.png", "page.md#d"]


def test_the_map_of_the_code_has_every_folder() -> None:
    parents = [ROOT / name for name in ("infra", "lambdas", "lambdas/snow_white", "scripts", "ssm_documents")]
    folders = {
        f"{child.relative_to(ROOT)}/"
        for parent in parents
        for child in parent.iterdir()
        if child.is_dir() and not child.name.startswith((".", "_"))
    }
    lines = page("architecture").splitlines()
    missing = {folder for folder in folders if not any(line.startswith(f"| `{folder}` |") for line in lines)}
    assert missing == set()


def test_every_action_is_shown_on_the_command_line() -> None:
    for action in Action:
        assert f"./scripts/snow-white {action} " in page("operating")


def test_the_changelog_begins_with_the_version() -> None:
    versions = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[0] == VERSION
