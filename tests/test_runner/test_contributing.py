"""docs/contributing.md shows the folders and the commands that there are."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "contributing.md").read_text()


def test_the_layout_has_every_folder_with_code() -> None:
    folders = {
        path.name
        for path in ROOT.iterdir()
        if path.is_dir() and not path.name.startswith((".", "cdk.out")) and any(path.rglob("*.py"))
    }
    named = set(re.findall(r"^\| `([\w/]+)/` \|", PAGE, re.MULTILINE))
    assert {"infra", "lambdas", "scripts", "tests"} <= folders <= named
    assert all((ROOT / folder).is_dir() for folder in named)


def test_the_commands_of_the_loop_can_be_run() -> None:
    commands = re.findall(r"\| `\./scripts/test ?([^`]*)` \|", PAGE)
    assert len(commands) >= 4
    for arguments in commands:
        result = subprocess.run(
            ["scripts/test", "--dry-run", *arguments.split()],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (result.returncode, result.stderr) == (0, ""), arguments


def test_it_fits_on_one_screen() -> None:
    assert len(PAGE.splitlines()) <= 60


def test_the_readme_leads_to_it() -> None:
    assert "(docs/contributing.md)" in (ROOT / "README.md").read_text()
