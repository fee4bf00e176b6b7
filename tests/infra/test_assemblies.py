"""What the tests keep of one synthesis for the next: never an old one, and not without end."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.infra.assemblies import INPUTS, ROOT, SynthesisFailed, copy_inputs, digest, prune, synthesized

APP = """
import json, os, pathlib
from infra import text
folder = pathlib.Path(os.environ["CDK_OUTDIR"])
folder.mkdir()
(folder / "said").write_text(text.TEXT + os.environ["SNOW_WHITE_OVERRIDES"])
pathlib.Path(json.loads(os.environ["SNOW_WHITE_OVERRIDES"])["log"]).open("a").write("synthesized\\n")
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with a small application, which writes a line to the file `log` of its settings each time it runs."""
    clone = tmp_path / "clone"
    clone.mkdir()
    for name in INPUTS:
        if (ROOT / name).is_dir():
            (clone / name).mkdir(parents=True)
            (clone / name / "file.py").write_text("")
        else:
            (clone / name).write_text("{}")
    (clone / "infra" / "text.py").write_text("TEXT = 'first'")
    (clone / "app.py").write_text(APP)
    return clone


def test_the_same_inputs_are_synthesized_once(clone: Path, tmp_path: Path) -> None:
    settings = {"log": str(tmp_path / "log")}
    first = synthesized(settings, root=clone)
    assert synthesized(settings, root=clone) == first
    assert (tmp_path / "log").read_text() == "synthesized\n"
    assert (first / "said").read_text().startswith("first")


def test_after_a_change_it_is_synthesized_anew(clone: Path, tmp_path: Path) -> None:
    settings = {"log": str(tmp_path / "log")}
    synthesized(settings, root=clone)
    (clone / "infra" / "text.py").write_text("TEXT = 'second'")
    assert (synthesized(settings, root=clone) / "said").read_text().startswith("second")
    other = synthesized({**settings, "other": True}, root=clone)
    assert '"other": true' in (other / "said").read_text()


def test_one_that_failed_is_not_kept(clone: Path, tmp_path: Path) -> None:
    (clone / "infra" / "text.py").write_text("raise SystemExit('It cannot be.')")
    with pytest.raises(SynthesisFailed, match=r"It cannot be\."):
        synthesized({}, root=clone)
    (clone / "infra" / "text.py").write_text("TEXT = 'mended'")
    assert (synthesized({"log": str(tmp_path / "log")}, root=clone) / "said").is_file()


def add(folder: Path) -> None:
    (folder / "new").write_text("")


def change(folder: Path) -> None:
    (folder / "file.py").write_text("pass")


def remove(folder: Path) -> None:
    (folder / "file.py").unlink()


def rename(folder: Path) -> None:
    (folder / "file.py").rename(folder / "renamed.py")


def make_executable(folder: Path) -> None:
    (folder / "file.py").chmod(0o755)


@pytest.mark.parametrize("name", [name for name in INPUTS if (ROOT / name).is_dir()])
@pytest.mark.parametrize("edit", [add, change, remove, rename, make_executable])
def test_every_edit_in_a_folder_that_is_read_changes_the_name(
    edit: Callable[[Path], None], name: str, clone: Path, tmp_path: Path
) -> None:
    copy_inputs(clone, tmp_path / "before")
    edit(clone / name)
    copy_inputs(clone, tmp_path / "after")
    assert digest(tmp_path / "before", {}) != digest(tmp_path / "after", {})


@pytest.mark.parametrize("name", [name for name in INPUTS if not (ROOT / name).is_dir()])
def test_so_does_every_edit_of_a_file_that_is_read(name: str, clone: Path, tmp_path: Path) -> None:
    copy_inputs(clone, tmp_path / "before")
    (clone / name).write_text("changed")
    copy_inputs(clone, tmp_path / "after")
    assert digest(tmp_path / "before", {}) != digest(tmp_path / "after", {})


def test_what_is_compiled_on_the_way_does_not(clone: Path, tmp_path: Path) -> None:
    copy_inputs(clone, tmp_path / "before")
    (clone / "infra" / "__pycache__").mkdir()
    (clone / "infra" / "__pycache__" / "text.pyc").write_text("")
    copy_inputs(clone, tmp_path / "after")
    assert digest(tmp_path / "before", {}) == digest(tmp_path / "after", {})


def test_what_is_not_among_the_inputs_cannot_be_read(clone: Path) -> None:
    shutil.move(clone / "infra" / "text.py", clone / "text.py")
    (clone / "app.py").write_text("import text")
    with pytest.raises(SynthesisFailed, match="No module named 'text'"):
        synthesized({}, root=clone)


def test_the_longest_unused_ones_go(tmp_path: Path) -> None:
    for age, name in enumerate(("newest", "middle", "oldest")):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (1_000_000 - age, 1_000_000 - age))
    (tmp_path / "making-1").mkdir()
    prune(tmp_path, count=2)
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"newest", "middle", "making-1"}
