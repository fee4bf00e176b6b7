"""The state machine's definition as synthesized: from the template that `python app.py` writes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from tests.infra.templates import Template

ROOT: Final = Path(__file__).parents[3]


@dataclass(frozen=True)
class Definition:
    """`functions` has the handler's name for each FunctionName of the definition."""

    states: dict[str, Any]
    functions: Mapping[str, str]
    timeout_seconds: int


@cache
def synthesized() -> Definition:
    """Synthesized anew when anything that it is made of has changed; kept in cdk.out/ until then."""
    template = Template(json.loads((_assembly() / "SnowWhite.template.json").read_text()))
    functions = template.resources("AWS::Lambda::Function")
    return Definition(
        template.machine(),
        {f"<{id_}.Arn>": str(one["Handler"]).removesuffix(".handler") for id_, one in functions.items()},
        max(int(one["Timeout"]) for one in functions.values()),
    )


def _assembly() -> Path:
    folder = ROOT / "cdk.out" / f"soak-{_digest()}"
    if not (folder / "manifest.json").exists():
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("CDK_", "SNOW_"))
        }
        overrides = json.dumps({"regions": ["us-east-1", "eu-west-1", "ap-southeast-2"]})
        result = subprocess.run(
            [sys.executable, "app.py"],
            cwd=ROOT,
            env={**inherited, "CDK_OUTDIR": str(folder), "SNOW_WHITE_OVERRIDES": overrides},
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise RuntimeError(f"The application could not be synthesized: {result.stdout}{result.stderr}")
    return folder


def _digest() -> str:
    made_of = hashlib.sha256()
    sources = [
        *(ROOT / "infra").rglob("*.py"),
        ROOT / "app.py",
        ROOT / "cdk.json",
        *(ROOT / "lambdas").glob("*.py"),
    ]
    for path in sorted(sources):
        made_of.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return made_of.hexdigest()[:16]
