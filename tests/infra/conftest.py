"""The application is synthesized once, by the command that a person would type, for two worker regions."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra.templates import Assembly, Template

ROOT = Path(__file__).parents[2]
REGIONS = ["us-east-1", "eu-west-1"]


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Assembly:
    """What `python app.py` writes, without the CDK command line and without Node on PATH."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if hasattr(request.config, "workerinput") else base
    folder = shared / "assembly"
    with (shared / "assembly.lock").open("w") as lock:
        # Of several test processes, the first one synthesizes for all.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "manifest.json").exists():
            _synthesize(folder)
    return Assembly(folder)


def _synthesize(folder: Path) -> None:
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("CDK_", "SNOW_WHITE_"))},
        "CDK_OUTDIR": str(folder),
        "SNOW_WHITE_OVERRIDES": json.dumps({"regions": REGIONS}),
        "PATH": "/usr/bin:/bin",
    }
    result = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(scope="session")
def home(assembly: Assembly) -> Template:
    """The template of the home region's stack."""
    return assembly.home
