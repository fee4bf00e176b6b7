"""The bundle of the functions' code and the packages they need, built without Docker.

All packages are pure Python, so the bundle runs on arm64 whatever machine it was built on. What no function imports is
left out. Where the functions' version of Python is installed, the bundle is compiled with it, which halves the CPU time
of a cold start: Lambda cannot keep what it compiles.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache as remembered
from pathlib import Path
from typing import Final

from infra import botocore_data

ROOT: Final = Path(__file__).parent.parent
SOURCE: Final = ROOT / "lambdas"
CACHE: Final = ROOT / "cdk.out" / ".packages"
PYTHON_VERSION: Final = "3.13"
PLATFORM: Final = "manylinux2014_aarch64"
_NEVER_IMPORTED: Final = (
    "aws_lambda_powertools/event_handler",
    "aws_lambda_powertools/metrics/provider/datadog/datadog.py",
    "aws_lambda_powertools/utilities/auth_alpha",
    "aws_lambda_powertools/utilities/batch",
    "aws_lambda_powertools/utilities/circuit_breaker",
    "aws_lambda_powertools/utilities/data_classes",
    "aws_lambda_powertools/utilities/data_masking",
    "aws_lambda_powertools/utilities/feature_flags",
    "aws_lambda_powertools/utilities/idempotency/persistence/redis.py",
    "aws_lambda_powertools/utilities/kafka",
    "aws_lambda_powertools/utilities/parser",
    "aws_lambda_powertools/utilities/streaming",
    "boto3/data",
    "boto3/examples",
    "boto3/s3",
    "botocore/stub.py",
    "cattr",
    "cattrs/preconf",
    "cattrs/strategies",
    "dateutil/rrule.py",
    "dateutil/tz/win.py",
    "dateutil/zoneinfo/*.tar.gz",
    "s3transfer/crt.py",
    "s3transfer/processpool.py",
    "slack",
    "slack_sdk/*/async_*",
    "slack_sdk/*/legacy_*",
    "slack_sdk/audit_logs",
    "slack_sdk/models/dialogs",
    "slack_sdk/oauth",
    "slack_sdk/rtm",
    "slack_sdk/rtm_v2",
    "slack_sdk/scim",
    "slack_sdk/socket_mode",
    "urllib3/contrib/emscripten",
    "urllib3/contrib/pyopenssl.py",
)
_NAMES_LEFT_OUT: Final = ("__pycache__", "*.pyc", "*.pyi", "tests", "bin", "requirements.txt", "RECORD", ".*")
_LEFT_OUT: Final = shutil.ignore_patterns(*_NAMES_LEFT_OUT)
_KEPT_SECONDS: Final = 7 * 86_400  # since its last use


class BundlingFailed(RuntimeError):
    """The bundle could not be made; the message says why, with pip's output if that failed, and what to do."""


def lambda_bundle(source: Path = SOURCE, cache: Path = CACHE) -> Path:
    """The folder with handlers, domain and packages; it is kept in `cache`, and not to be changed.

    The same inputs give the same bytes; whether PYTHON_VERSION is installed is one of them. pip runs only when
    requirements.txt has changed. Raises BundlingFailed.
    """
    python = python_of_the_functions()
    packages = _installed(source / "requirements.txt", cache, python)

    def build(bundle: Path) -> None:
        shutil.copytree(source, bundle, ignore=_LEFT_OUT)
        if _digest(source) != code:
            raise BundlingFailed(f"{source} was changed while it was copied. Try again.")
        _compile(bundle, python)
        shutil.copytree(packages, bundle, dirs_exist_ok=True)

    code = _digest(source)
    return _kept(cache, f"{packages.name} {code}", build)


def _digest(source: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(source.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            content = path.read_bytes()
            digest.update(
                f"{path.relative_to(source)} {path.stat().st_mode:o} {len(content)} ".encode() + content
            )
    return digest.hexdigest()


@remembered
def python_of_the_functions() -> str | None:
    """The command of PYTHON_VERSION, if it is installed."""
    name = f"python{PYTHON_VERSION}"
    # A version manager has a command for each version, which fails for those that are not chosen.
    program = "import sys; print(sys.executable)"
    try:
        result = subprocess.run([name, "-I", "-c", program], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return result.stdout.strip() or None


def _compile(folder: Path, python: str | None) -> None:
    """Add the compiled files, valid whatever the files' dates: the upload gives all files one date."""
    if python:
        options = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", "/var/task"]
        subprocess.run([python, "-I", "-m", "compileall", *options, str(folder)], check=True)


def _installed(requirements: Path, cache: Path, python: str | None) -> Path:
    """The folder in `cache` with what is needed of exactly the pinned packages."""
    pins = requirements.read_text()

    def install(needed: Path) -> None:
        installing = needed.with_name("installing")
        _run_pip(requirements, installing)
        _require_pins(installing, pins, requirements)
        shutil.copytree(installing, needed, ignore=_LEFT_OUT)
        _leave_out_the_unused(needed)
        _compile(needed, python)

    compiled = "compiled" if python else "not compiled"
    made_by = "\n".join(Path(one).read_text() for one in (__file__, botocore_data.__file__))
    return _kept(cache, f"{compiled} {pins}\n{made_by}", install)


def _kept(cache: Path, inputs: str, make: Callable[[Path], None]) -> Path:
    """The folder in `cache` that was made of these inputs; it is made if it is missing."""
    target = cache / hashlib.sha256(inputs.encode()).hexdigest()[:16]
    if not target.exists():
        cache.mkdir(parents=True, exist_ok=True)
        _remove_unused(cache)
        with tempfile.TemporaryDirectory(prefix="making-", dir=cache) as folder:
            made = Path(folder) / "made"
            make(made)
            try:
                made.rename(target)
            except OSError:
                # Another process synthesized at the same time and was faster; its result is the same.
                if not target.exists():
                    raise
    os.utime(target)  # when it was last used
    return target


def _remove_unused(cache: Path) -> None:
    for folder in cache.iterdir():
        # Another process may be faster, or what it has left be in the way. What stays harms nobody.
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > _KEPT_SECONDS:
                # At once, so that nobody takes the half of one for the whole.
                removed = folder.rename(cache / f"removing-{folder.name}")
                shutil.rmtree(removed, ignore_errors=True)


def _run_pip(requirements: Path, target: Path) -> None:
    options = ["--quiet", "--no-compile", "--disable-pip-version-check", "--target", str(target)]
    # pip would take seconds to compare them with the packages of this environment, where nothing is installed.
    options += ["--no-warn-conflicts"]
    wheels = ["--platform", PLATFORM, "--python-version", PYTHON_VERSION, "--only-binary=:all:"]
    command = [sys.executable, "-m", "pip", "install", *options, *wheels, "--requirement", str(requirements)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise BundlingFailed(
            f"pip could not install the functions' packages of {requirements} for {PLATFORM}, "
            f"Python {PYTHON_VERSION}. Check that the package index is reachable and has a wheel of each "
            f"pinned version. Output of pip:\n{result.stderr.strip() or result.stdout.strip()}"
        )


def _leave_out_the_unused(packages: Path) -> None:
    for path in [path for pattern in _NEVER_IMPORTED for path in packages.glob(pattern)]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    if (data := packages / "botocore" / "data").exists():
        botocore_data.prune(data)


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
