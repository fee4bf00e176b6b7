"""The application is synthesized once, by the command that a person would type, for two worker regions."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.infra.templates import Assembly, Template

ROOT = Path(__file__).parents[2]
REGIONS = ["us-east-1", "eu-west-1"]


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Assembly:
    """What `python app.py` writes, without the CDK command line and without Node on PATH."""
    return _synthesized_once("assembly", tmp_path_factory, request)


@pytest.fixture(scope="session")
def assembly_with_slash_command(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Assembly:
    """The same with the slash command, for Ann in one channel."""
    settings = {
        "slash_command": True,
        "slash_command_users": ["U0ANN"],
        "slash_command_channels": ["C0COMMANDS"],
    }
    return _synthesized_once("with-slash-command", tmp_path_factory, request, **settings)


def _synthesized_once(
    name: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest, **settings: Any
) -> Assembly:
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if hasattr(request.config, "workerinput") else base
    folder = shared / name
    with (shared / f"{name}.lock").open("w") as lock:
        # Of several test processes, the first one synthesizes for all.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "manifest.json").exists():
            _synthesize(folder, settings)
    return Assembly(folder)


def _synthesize(folder: Path, settings: dict[str, Any]) -> None:
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("CDK_", "SNOW_WHITE_"))},
        "CDK_OUTDIR": str(folder),
        "SNOW_WHITE_OVERRIDES": json.dumps({"regions": REGIONS, **settings}),
        "PATH": str(folder.parent),  # no program is in it
    }
    result = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(scope="session")
def home(assembly: Assembly) -> Template:
    """The template of the home region's stack."""
    return assembly.home
