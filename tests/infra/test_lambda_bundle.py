"""The functions' code and packages: complete, free of leftovers, the same every time, and clear when pip fails."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.lambda_bundle import PYTHON_VERSION, BundlingFailed, lambda_bundle, python_of_the_functions
from tests.infra.templates import Assembly, Template, text
from tests.made_once import shared_folder

ROOT = Path(__file__).parents[2]
REGION = {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
HANDLERS = ["discover_instances", "dispatch_command", "poll_command", "notify_slack", "close_run"]


@pytest.fixture(scope="module")
def bundle(assembly: Assembly) -> Path:
    """The one folder with code that the application uploads."""
    (folder,) = assembly.bundles()
    return folder


def test_the_bundle_has_each_handler_and_the_domain(bundle: Path) -> None:
    assert {path.stem for path in bundle.glob("*.py")} >= set(HANDLERS)
    for package in ("runtime", "snow_white"):
        source = ROOT / "lambdas" / package
        sources = {path.relative_to(source) for path in source.rglob("*.py")}
        assert {path.relative_to(bundle / package) for path in (bundle / package).rglob("*.py")} == sources


def test_the_bundle_has_no_tests_and_nothing_that_runs_on_one_kind_of_machine_only(bundle: Path) -> None:
    names = {path.name for path in bundle.rglob("*")}
    assert not [name for name in names if name.endswith((".so", ".pyd")) or name.startswith(".")]
    assert names.isdisjoint({"tests", "requirements.txt", "bin"})


def test_the_sources_are_small_enough_to_be_loaded_quickly(bundle: Path, tmp_path: Path) -> None:
    sources = shutil.copytree(bundle, tmp_path / "sources", ignore=shutil.ignore_patterns("__pycache__"))
    zipped = Path(shutil.make_archive(str(tmp_path / "bundle"), "zip", sources))
    # With compiled files that are twice as large, less than 4 MB.
    assert zipped.stat().st_size < 1_650_000


@pytest.mark.synthesizes
def test_where_the_functions_python_is_installed_the_bundle_is_compiled_whatever_the_files_dates(
    wheels: Path, tmp_path: Path, commands: Path
) -> None:
    command(
        commands, f'exec {sys.executable} "$@"'
    )  # of another version here: what matters is what it is told
    source = make_source(tmp_path, f"--no-index\n--find-links {wheels}\nbase==1.0\n")
    (source / "poll_command.py").write_text("import base\n")
    bundle = lambda_bundle(source, tmp_path / "cache")
    compiled = {path.name.split(".")[0]: path for path in bundle.rglob("*.pyc")}
    assert compiled.keys() == {"base", "poll_command"}
    # PEP 552: the second word has the lowest bit for "goes by a hash", the next one for "is checked".
    assert {path.read_bytes()[4:8] for path in compiled.values()} == {b"\x01\x00\x00\x00"}


@pytest.mark.synthesizes
def test_where_the_functions_python_is_not_chosen_the_bundle_has_sources_only(
    wheels: Path, tmp_path: Path, commands: Path
) -> None:
    command(commands, "echo 'no such version is chosen' >&2; exit 127")
    source = make_source(tmp_path, f"--no-index\n--find-links {wheels}\nbase==1.0\n")
    bundle = lambda_bundle(source, tmp_path / "cache")
    assert (bundle / "base.py").exists()
    assert not list(bundle.rglob("*.pyc"))


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose commands are found first."""
    folder = tmp_path / "commands"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    python_of_the_functions.cache_clear()
    yield folder
    python_of_the_functions.cache_clear()


def command(folder: Path, does: str) -> None:
    """The functions' Python, as a command that does this."""
    python = folder / f"python{PYTHON_VERSION}"
    python.write_text(f"#!/bin/sh\n{does}\n")
    python.chmod(0o755)


@dataclass(frozen=True)
class Alone:
    """Python with nothing but the bundle and the variables that a function gets."""

    bundle: Path
    home: Template
    compiled: Path
    """Where what is compiled is kept, outside of the bundle: to compile takes most of the time."""

    def run(self, name: str, does: str, folder: Path) -> str:
        """What the function named so prints, once its module is there."""
        settings = self.home.function(name)["Environment"]["Variables"]
        script = f"import sys; sys.path.insert(0, {str(self.bundle)!r}); import {name}; {does}"
        # -S leaves out this environment's own packages, -I the current folder and PYTHONPATH.
        options = ["-I", "-S", "-X", f"pycache_prefix={self.compiled}"]
        result = subprocess.run(
            [sys.executable, *options, "-c", script],
            cwd=folder,
            env={**{key: text(value) for key, value in settings.items()}, **REGION},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout


@pytest.fixture(scope="module")
def alone(bundle: Path, home: Template, tmp_path_factory: pytest.TempPathFactory) -> Alone:
    """Runs Python with nothing but the bundle."""
    return Alone(bundle, home, shared_folder(tmp_path_factory) / "compiled-bundle")


@pytest.mark.parametrize("name", HANDLERS)
def test_a_function_starts_from_the_bundle_alone_with_the_settings_of_the_template(
    name: str, alone: Alone, tmp_path: Path
) -> None:
    alone.run(name, f"assert callable({name}.handler)", tmp_path)


@pytest.mark.synthesizes
def test_the_same_inputs_give_the_same_bytes(wheels: Path, tmp_path: Path) -> None:
    source = make_source(tmp_path, f"--no-index\n--find-links {wheels}\nbase==1.0\nneedy==1.0\n")
    (source / "poll_command.py").write_text("import needy\n")
    first = lambda_bundle(source, tmp_path / "cache")
    second = lambda_bundle(source, tmp_path / "other")
    assert (first / "poll_command.py").exists()
    assert digest(first) == digest(second)


def digest(folder: Path) -> str:
    """A hash over the names, permissions and contents of all files."""
    hashed = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        hashed.update(f"{path.relative_to(folder)} {path.stat().st_mode:o}\n".encode())
        hashed.update(path.read_bytes())
    return hashed.hexdigest()


@pytest.mark.synthesizes
def test_pip_runs_again_only_when_the_pins_have_changed(wheels: Path, tmp_path: Path) -> None:
    source = make_source(tmp_path, f"--no-index\n--find-links {wheels}\nbase==1.0\n")
    bundle = lambda_bundle(source, tmp_path / "cache")
    assert (bundle / "base.py").exists()
    (wheels / "base-1.0-py3-none-any.whl").unlink()
    (source / "poll_command.py").write_text("import base\n")
    bundle = lambda_bundle(source, tmp_path / "cache")
    assert (bundle / "poll_command.py").exists()
    assert (bundle / "base.py").exists(), "what was installed before is used"

    make_wheel(wheels, "other")
    requirements = source / "requirements.txt"
    requirements.write_text(requirements.read_text().replace("base==1.0", "other==1.0"))
    bundle = lambda_bundle(source, tmp_path / "cache")
    assert (bundle / "other.py").exists(), "pip has run for the pins of now"
    assert not (bundle / "base.py").exists()


@pytest.mark.synthesizes
def test_a_bundle_is_made_again_only_when_the_sources_have_changed_and_kept_for_a_week_after_its_last_use(
    wheels: Path, tmp_path: Path
) -> None:
    source, cache = (
        make_source(tmp_path, f"--no-index\n--find-links {wheels}\nbase==1.0\n"),
        tmp_path / "cache",
    )
    (source / "poll_command.py").write_text("import base\n")
    first = lambda_bundle(source, cache)
    made = digest(first), first.stat().st_ino
    days_ago = time.time() - 6 * 86_400
    os.utime(first, (days_ago, days_ago))
    again = lambda_bundle(source, cache)
    assert (digest(again), again.stat().st_ino) == made
    assert again.stat().st_mtime > days_ago + 86_400, "it has been used"

    (source / "poll_command.py").write_text("import base, json\n")
    second = lambda_bundle(source, cache)
    assert (second / "poll_command.py").read_text() == "import base, json\n"
    assert digest(first) == made[0], "whoever uses the former one goes on with it"

    long_ago = time.time() - 8 * 86_400
    os.utime(first, (long_ago, long_ago))
    (source / "runtime").mkdir()
    (source / "runtime" / "clients.py").write_text("")
    third = lambda_bundle(source, cache)
    assert (third / "runtime" / "clients.py").exists()
    assert second.exists()
    assert not first.exists()


@pytest.mark.synthesizes
def test_what_an_interrupted_removal_has_left_is_in_nobody_s_way(wheels: Path, tmp_path: Path) -> None:
    source, cache = (
        make_source(tmp_path, f"--no-index\n--find-links {wheels}\nbase==1.0\n"),
        tmp_path / "cache",
    )
    bundle = lambda_bundle(source, cache)
    (cache / f"removing-{bundle.name}").mkdir()
    (cache / f"removing-{bundle.name}" / "half.py").write_text("")
    long_ago = time.time() - 8 * 86_400
    os.utime(bundle, (long_ago, long_ago))
    (source / "poll_command.py").write_text("import base\n")
    assert (lambda_bundle(source, cache) / "poll_command.py").exists()


@pytest.mark.synthesizes
def test_a_source_that_changes_while_it_is_copied_is_an_error_and_nothing_is_kept(
    wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, cache = (
        make_source(tmp_path, f"--no-index\n--find-links {wheels}\nbase==1.0\n"),
        tmp_path / "cache",
    )
    lambda_bundle(source, cache)
    kept = {path.name for path in cache.iterdir()}
    (source / "poll_command.py").write_text("import base\n")
    copytree = shutil.copytree

    def while_somebody_writes(*arguments: Any, **options: Any) -> Any:
        copied = copytree(*arguments, **options)
        (source / "poll_command.py").write_text("import base, json\n")
        return copied

    monkeypatch.setattr(shutil, "copytree", while_somebody_writes)
    with pytest.raises(BundlingFailed, match="was changed while it was copied"):
        lambda_bundle(source, cache)
    assert {path.name for path in cache.iterdir()} == kept


@pytest.mark.synthesizes
def test_a_missing_package_is_an_error_with_the_output_of_pip(wheels: Path, tmp_path: Path) -> None:
    source = make_source(tmp_path, f"--no-index\n--find-links {wheels}\nbase==9.9\n")
    with pytest.raises(BundlingFailed, match=r"(?s)requirements\.txt for manylinux2014_aarch64.*base==9\.9"):
        lambda_bundle(source, tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


@pytest.mark.synthesizes
def test_a_package_that_is_not_pinned_is_an_error(wheels: Path, tmp_path: Path) -> None:
    source = make_source(tmp_path, f"--no-index\n--find-links {wheels}\nneedy==1.0\n")
    with pytest.raises(BundlingFailed, match="does not pin base"):
        lambda_bundle(source, tmp_path / "cache")


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A folder with two packages: base, and needy, which needs base."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    make_wheel(folder, "base")
    make_wheel(folder, "needy", requires="base")
    return folder


def make_source(folder: Path, requirements: str) -> Path:
    source = folder / "source"
    source.mkdir()
    (source / "requirements.txt").write_text(requirements)
    return source


def make_wheel(folder: Path, name: str, requires: str | None = None) -> None:
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    if requires:
        metadata += f"Requires-Dist: {requires}\n"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", "")
        wheel.writestr(f"{info}/METADATA", metadata)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


JUDGEMENT = "snow_white.judgement"
SLACK = "snow_white.slack"
# It adds sixty modules that no function needs, most of them for transfers to S3; Powertools' idempotency needs it.
BOTO3 = ("boto3", "s3transfer", "multiprocessing")


@pytest.mark.parametrize(
    ("name", "needless"),
    [
        ("discover_instances", (*BOTO3, "slack_sdk", SLACK, JUDGEMENT)),
        ("dispatch_command", (*BOTO3, "slack_sdk", SLACK)),
        ("poll_command", (*BOTO3, "slack_sdk", SLACK)),
        ("notify_slack", (JUDGEMENT, "snow_white.slash", "snow_white.steps.poll")),
        ("close_run", (JUDGEMENT, "snow_white.slash", "snow_white.steps.poll")),
    ],
)
def test_a_function_starts_without_what_it_does_not_need(
    name: str, needless: tuple[str, ...], alone: Alone, tmp_path: Path
) -> None:
    loaded = set(alone.run(name, "print(*sys.modules)", tmp_path).split())
    assert {"botocore", "snow_white"} <= loaded
    assert loaded.isdisjoint(needless)
