"""The commands that README.md and docs/ show are taken by the programs that they call."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.infra.commands import (
    PAGES,
    ROOT,
    code_blocks,
    commands_of,
    shown_commands,
    source_of,
    unknown_options,
    wrong_usage,
)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_command_line_takes_what_the_page_shows(path: Path) -> None:
    shown = [words for words in shown_commands(path.read_text()) if words[0].endswith("snow-white")]
    assert {" ".join(words): wrong for words in shown if (wrong := wrong_usage(words[1:]))} == {}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_scripts_know_the_options_that_the_page_shows(path: Path) -> None:
    for program, *arguments in shown_commands(path.read_text()):
        if not program.endswith("snow-white"):
            assert unknown_options(source_of(program), arguments) == [], program


def test_the_pages_show_every_program() -> None:
    programs = {
        words[0].removeprefix("./scripts/") for path in PAGES for words in shown_commands(path.read_text())
    }
    assert {"snow-white", "demo", "test", "deploy", "package", "soak"} <= programs


def test_commands_are_found_in_lines_and_lists() -> None:
    assert commands_of(
        "$ ./scripts/snow-white quiet backups -e workers && eb deploy; snow-white wake 'a b'"
    ) == [
        ["./scripts/snow-white", "quiet", "backups", "-e", "workers"],
        ["snow-white", "wake", "a b"],
    ]
    assert commands_of("- run: snow-white runs || exit 1") == [["snow-white", "runs"]]
    assert commands_of("it's snow-white's") == []


def test_blocks_are_found_with_their_languages() -> None:
    page = "a\n\n   ```sh\n   b\n   ```\n\n    c\n    d\n\ne\n"
    assert code_blocks(page) == [("sh", "b\n"), ("", "c\nd\n")]


@pytest.mark.parametrize(
    "arguments",
    [["quiett", "a"], ["quiet"], ["quiet", "a", "--nowait"], ["quiet", "a", "--timeout", "3 days"]],
)
def test_a_wrong_command_is_found(arguments: list[str]) -> None:
    assert wrong_usage(arguments)


def test_an_option_that_a_script_does_not_have_is_found() -> None:
    deploy = (ROOT / "scripts" / "deploy").read_text()
    assert unknown_options(deploy, ["--diff", "--dif", "--slack-token"]) == ["--dif"]
