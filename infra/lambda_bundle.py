"""The bundle of the functions' code and the packages they need, built without Docker.

All packages are pure Python, so the bundle runs on arm64 whatever machine it was built on.
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
    """The functions' packages could not be installed; the message has pip's output and what to do."""


@contextmanager
def lambda_bundle(source: Path = SOURCE, cache: Path = PACKAGES_CACHE) -> Iterator[Path]:
    """A temporary folder with handlers, domain and packages. The same inputs give the same bytes.

    pip runs only when requirements.txt has changed; installed packages are kept in `cache`.
    """
    packages = _installed(source / "requirements.txt", cache)
    with tempfile.TemporaryDirectory(prefix="snow-white-bundle-") as folder:
        bundle = Path(folder)
        shutil.copytree(packages, bundle, ignore=_LEFT_OUT, dirs_exist_ok=True)
        shutil.copytree(source, bundle, ignore=_LEFT_OUT, dirs_exist_ok=True)
        yield bundle


def _installed(requirements: Path, cache: Path) -> Path:
    """The folder in `cache` with exactly the pinned packages; it is created if it is missing."""
    pins = requirements.read_text()
    key = hashlib.sha256(f"{PLATFORM} {PYTHON_VERSION}\n{pins}".encode()).hexdigest()[:16]
    target = cache / key
    if target.exists():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="installing-", dir=cache) as folder:
        installing = Path(folder) / "packages"
        _run_pip(requirements, installing)
        _require_pins(installing, pins, requirements)
        try:
            installing.rename(target)
        except OSError:
            # Another process synthesized at the same time and was faster; its result is the same.
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
            f"Python {PYTHON_VERSION}. Check that the package index is reachable and has a wheel of each "
            f"pinned version. Output of pip:\n{result.stderr.strip() or result.stdout.strip()}"
        )


def _require_pins(installed: Path, pins: str, requirements: Path) -> None:
    """Raise if pip installed a package that is not pinned: its version could change at any time."""
    pinned = {_normalized(name) for name in re.findall(r"^([\w.-]+)==", pins, re.MULTILINE)}
    found = {_normalized(info.name.split("-")[0]) for info in installed.glob("*.dist-info")}
    if unpinned := sorted(found - pinned):
        raise BundlingFailed(
            f"{requirements} does not pin {', '.join(unpinned)}, which its packages need. Pin them."
        )


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
