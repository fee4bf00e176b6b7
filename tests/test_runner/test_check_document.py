"""Scripts that have passed shellcheck are not checked again until they, or the check, change."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CHECK = Path(__file__).with_name("check_document")
SHELLCHECK = """#!/usr/bin/env bash
[[ $1 == --version ]] && { cat "$0.version"; exit; }
printf '%s\\n' "$*" >> "$0.calls"
! grep -q wrong "${@: -1}"
"""


class Clone:
    """A clone that has only the script, with a shellcheck that refuses what contains `wrong`."""

    def __init__(self, root: Path) -> None:
        self.check = root / "tests" / "test_runner" / "check_document"
        self.check.parent.mkdir(parents=True)
        shutil.copy2(CHECK, self.check)
        self.script = root / "quiet.sh"
        self.shellcheck = root / "bin" / "shellcheck"
        self.shellcheck.parent.mkdir()
        self.shellcheck.write_text(SHELLCHECK)
        self.shellcheck.chmod(0o755)
        self.has_version("0.11.0")

    def has_version(self, version: str) -> None:
        self.shellcheck.with_suffix(".version").write_text(version)

    def passes(self, text: str) -> bool:
        self.script.write_text(text)
        path = f"{self.shellcheck.parent}:{os.environ['PATH']}"
        command = [str(self.check), str(self.script)]
        return subprocess.run(command, env={**os.environ, "PATH": path}, check=False).returncode == 0

    @property
    def checks(self) -> int:
        calls = self.shellcheck.with_suffix(".calls")
        return len(calls.read_text().splitlines()) if calls.exists() else 0


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def test_the_same_script_is_checked_once(clone: Clone) -> None:
    assert clone.passes("echo")
    assert clone.passes("echo")
    assert clone.checks == 1


def test_a_script_that_is_refused_is_refused_again(clone: Clone) -> None:
    assert not clone.passes("wrong")
    assert not clone.passes("wrong")
    assert clone.checks == 2


def test_another_script_another_check_and_another_shellcheck_are_checked_anew(clone: Clone) -> None:
    assert clone.passes("echo")
    assert not clone.passes("wrong")
    clone.check.write_text(clone.check.read_text().replace("--exclude=", "--severity=error --exclude="))
    assert clone.passes("echo")
    clone.has_version("0.12.0")
    assert clone.passes("echo")
    assert clone.checks == 4
    assert not clone.passes("wrong")
