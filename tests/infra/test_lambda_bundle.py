"""The functions' code and packages: complete, free of leftovers, the same every time, and clear when pip fails."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra.lambda_bundle import BundlingFailed, lambda_bundle
from tests.infra.templates import Assembly, Template, text

ROOT = Path(__file__).parents[2]
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


def test_the_bundle_has_no_compiled_files_and_no_tests(bundle: Path) -> None:
    names = {path.name for path in bundle.rglob("*")}
    assert not [name for name in names if name.endswith((".pyc", ".so", ".pyd")) or name.startswith(".")]
    assert names.isdisjoint({"__pycache__", "tests", "requirements.txt", "bin"})


@pytest.mark.parametrize("name", HANDLERS)
def test_a_function_starts_from_the_bundle_alone_with_the_settings_of_the_template(
    name: str, bundle: Path, home: Template, tmp_path: Path
) -> None:
    settings = home.function(name)["Environment"]["Variables"]
    environ = {key: text(value) for key, value in settings.items()}
    script = (
        f"import sys; sys.path.insert(0, {str(bundle)!r}); import {name}; assert callable({name}.handler)"
    )
    # -S leaves out this environment's own packages, -I the current folder and PYTHONPATH.
    command = [sys.executable, "-I", "-S", "-B", "-c", script]
    result = subprocess.run(
        command,
        cwd=tmp_path,
        env={**environ, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.synthesizes
def test_the_same_inputs_give_the_same_bytes(wheels: Path, tmp_path: Path) -> None:
    source = make_source(tmp_path, f"--no-index\n--find-links {wheels}\nbase==1.0\nneedy==1.0\n")
    (source / "poll_command.py").write_text("import needy\n")
    with (
        lambda_bundle(source, tmp_path / "cache") as first,
        lambda_bundle(source, tmp_path / "other") as second,
    ):
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
    with lambda_bundle(source, tmp_path / "cache") as bundle:
        assert (bundle / "base.py").exists()
    (wheels / "base-1.0-py3-none-any.whl").unlink()
    with lambda_bundle(source, tmp_path / "cache") as bundle:
        assert (bundle / "base.py").exists(), "what was installed before is used"

    make_wheel(wheels, "other")
    requirements = source / "requirements.txt"
    requirements.write_text(requirements.read_text().replace("base==1.0", "other==1.0"))
    with lambda_bundle(source, tmp_path / "cache") as bundle:
        assert (bundle / "other.py").exists(), "pip has run for the pins of now"
        assert not (bundle / "base.py").exists()


@pytest.mark.synthesizes
def test_a_missing_package_is_an_error_with_the_output_of_pip(wheels: Path, tmp_path: Path) -> None:
    source = make_source(tmp_path, f"--no-index\n--find-links {wheels}\nbase==9.9\n")
    with (
        pytest.raises(BundlingFailed, match=r"(?s)requirements\.txt for manylinux2014_aarch64.*base==9\.9"),
        lambda_bundle(source, tmp_path / "cache"),
    ):
        pass
    assert not list((tmp_path / "cache").iterdir())


@pytest.mark.synthesizes
def test_a_package_that_is_not_pinned_is_an_error(wheels: Path, tmp_path: Path) -> None:
    source = make_source(tmp_path, f"--no-index\n--find-links {wheels}\nneedy==1.0\n")
    with (
        pytest.raises(BundlingFailed, match="does not pin base"),
        lambda_bundle(source, tmp_path / "cache"),
    ):
        pass


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
