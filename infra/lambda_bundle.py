"""The code of the functions with the packages they need, put together without Docker.

All packages are pure Python, so one bundle runs on the functions' arm64 and wherever this is synthesized.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
SOURCE: Final = ROOT / "lambdas"
PACKAGES_CACHE: Final = ROOT / "cdk.out" / ".packages"
PYTHON_VERSION: Final = "3.13"
PLATFORM: Final = "manylinux2014_aarch64"
_LEFT_OUT: Final = shutil.ignore_patterns("__pycache__", "*.pyc", "tests", "bin", "requirements.txt", ".*")


class BundlingFailed(RuntimeError):
    """The packages of the functions could not be installed; the message says what pip said and what to do."""


@contextmanager
def lambda_bundle(source: Path = SOURCE, cache: Path = PACKAGES_CACHE) -> Iterator[Path]:
    """A temporary folder with handlers, domain and packages: the same bytes for the same inputs.

    pip runs only when requirements.txt has changed; what it installed is kept in `cache`.
    """
    packages = _installed(source / "requirements.txt", cache)
    with tempfile.TemporaryDirectory(prefix="snow-white-bundle-") as folder:
        bundle = Path(folder)
        shutil.copytree(packages, bundle, ignore=_LEFT_OUT, dirs_exist_ok=True)
        shutil.copytree(source, bundle, ignore=_LEFT_OUT, dirs_exist_ok=True)
        yield bundle


def _installed(requirements: Path, cache: Path) -> Path:
    """The folder in `cache` that holds exactly the pinned packages, made if need be."""
    pins = requirements.read_text()
    key = hashlib.sha256(f"{PLATFORM} {PYTHON_VERSION}\n{pins}".encode()).hexdigest()[:16]
    target = cache / key
    if target.exists():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="installing-", dir=cache) as folder:
        installing = Path(folder) / "packages"
        _run_pip(requirements, installing)
        _demand_pinned(installing, pins, requirements)
        try:
            installing.rename(target)
        except OSError:
            # Somebody who synthesized at the same time was first, with the same result.
            if not target.exists():
                raise
    return target


def _run_pip(requirements: Path, target: Path) -> None:
    options = ["--quiet", "--no-compile", "--disable-pip-version-check", "--target", str(target)]
    wheels = ["--platform", PLATFORM, "--python-version", PYTHON_VERSION, "--only-binary=:all:"]
    command = [sys.executable, "-m", "pip", "install", *options, *wheels, "--requirement", str(requirements)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise BundlingFailed(
            f"pip could not install the functions' packages of {requirements} for {PLATFORM}, "
            f"Python {PYTHON_VERSION}. Is the package index reachable, and is there a wheel of each pinned "
            f"version? pip said:\n{result.stderr.strip() or result.stdout.strip()}"
        )


def _demand_pinned(installed: Path, pins: str, requirements: Path) -> None:
    """Raise if pip had to add a package that is not pinned: tomorrow it would add another version."""
    pinned = {_normal(name) for name in re.findall(r"^([\w.-]+)==", pins, re.MULTILINE)}
    found = {_normal(info.name.split("-")[0]) for info in installed.glob("*.dist-info")}
    if unpinned := sorted(found - pinned):
        raise BundlingFailed(f"{requirements} does not pin {', '.join(unpinned)}, which its packages need.")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
