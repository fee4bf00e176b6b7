"""What one process of the tests has made is not made again by another, and what was half made is not used."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from tests.made_once import made_once


def make(folder: Path) -> None:
    with folder.with_name("log").open("a") as log:
        log.write("made\n")
    (folder / "file").write_text("content")


def test_of_several_processes_one_makes_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=made_once, args=(tmp_path / "folder", make)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert (tmp_path / "log").read_text() == "made\n"
    assert (made_once(tmp_path / "folder", make) / "file").read_text() == "content"


def test_after_a_failure_it_is_made_anew_from_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("")
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        made_once(tmp_path / "folder", fail)
    assert [path.name for path in made_once(tmp_path / "folder", make).iterdir()] == ["file"]
