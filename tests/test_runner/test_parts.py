"""./scripts/test: which parts there are, what it would run, and what it says about mistakes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["scripts/test", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def would_run(*arguments: str) -> list[str]:
    result = run("--dry-run", *arguments)
    assert result.returncode == 0, result.stderr
    return [line.removeprefix("would run: ") for line in result.stdout.splitlines()]


def folders_with_tests() -> set[str]:
    return {path.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").rglob("test_*.py")}


def test_help_names_every_folder_of_tests_and_quick() -> None:
    said = set(re.findall(r"^  (\w+) {2,}", run("--help").stdout, re.MULTILINE))
    assert said == {"lint", "synth", "quick"} | folders_with_tests()


def test_each_part_can_be_run_by_itself() -> None:
    for folder in folders_with_tests():
        (command,) = would_run(folder)
        assert command.startswith("pytest ")
        assert command.endswith(f" tests/{folder}")


def test_without_a_part_everything_is_run() -> None:
    commands = would_run()
    assert [command.split()[0] for command in commands] == [
        "ruff", "ruff", "shellcheck", "python", "xargs", "mypy", "python", "cfn-lint", "pytest"
    ]  # fmt: skip
    assert commands[-1].endswith(" tests")


def test_quick_leaves_out_what_synthesizes_or_takes_long_or_waits_for_hosts() -> None:
    commands = would_run("quick", "--", "-x")
    assert "python app.py" not in commands
    assert commands[-1].endswith(
        " tests/infra tests/lambdas tests/snow_white_cli tests/test_runner -m not synthesizes --fast -x"
    )


def test_arguments_after_two_dashes_are_pytests() -> None:
    (command,) = would_run("infra", "--", "-k", "cfn_lint")
    assert command.endswith(" tests/infra -k cfn_lint")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lambda"], "there is no part 'lambda'."),
        (["--fast"], "there is no option '--fast'; arguments for pytest go after --."),
        (["quick", "workflow"], "quick stands alone, without other parts."),
        (["lint", "--", "-x"], "the arguments after -- are pytest's, and none of these parts runs it."),
    ],
)
def test_a_mistake_ends_it_with_2_and_a_sentence(arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"test: {said}\n./scripts/test --help shows what there is.\n"
