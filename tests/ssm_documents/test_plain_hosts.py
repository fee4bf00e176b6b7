"""Hosts that have bash, coreutils and /proc, and nothing else that could be counted on."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from infra.command_documents import command_document, write_scripts
from snow_white.model.action import Action
from tests.ssm_documents.bare_host import BareHost

SCRIPTS = sorted((Path(__file__).parents[2] / "ssm_documents" / "scripts").rglob("*.sh"))
CHECK = Path(__file__).parents[1] / "test_runner" / "check_document"
# util-linux only for the test's own way into the host.
PROGRAMS = ["bash", "sh", "dash", "setsid"]


def packaged(package: str) -> list[str]:
    files = subprocess.run(["dpkg", "-L", package], check=True, capture_output=True, text=True).stdout
    return [Path(file).name for file in files.splitlines() if re.fullmatch(r"(/usr)?/bin/[^/]+", file)]


def test_bash_and_coreutils_are_all_that_is_needed(host: BareHost) -> None:
    host.imitate(jobs="3", beat=1)
    host.wait_for_workers(1)
    programs = host.folder / "programs"
    programs.mkdir()
    for name in [*PROGRAMS, *packaged("coreutils")]:
        shutil.copy(f"/usr/bin/{name}", programs)
    host.run(["sh", "-c", f"for f in /usr/local/bin /usr/sbin /usr/bin; do mount --bind {programs} $f; done"])

    answers = [host.ask(action) for action in ("quiet", "stop", "wake", "status")]

    assert [answer.summary() for answer in answers] == [
        (0, "quiet"),
        (0, "stopped"),
        (1, "unconfirmed"),
        (0, "reported"),
    ]
    assert "not found" not in host.log()
    assert "".join(answer.stderr for answer in answers) == ""


def test_a_working_directory_that_is_gone_and_a_locale_that_does_not_exist_do_no_harm(host: BareHost) -> None:
    host.imitate(raw="ff80", beat=1)
    host.wait_for_workers(1)
    strange = (
        "mkdir /run/gone; cd /run/gone; rmdir /run/gone; "
        'exec env LC_ALL=xx_YY.broken LANG=tr_TR IFS=0123456789 BASH_ENV=/nowhere POSIXLY_CORRECT=1 sh -c "$0"'
    )

    answer = host.start("quiet", runner=["bash", "-c", strange]).answer()

    assert answer.summary() == (0, "quiet")
    assert answer.json["processes"][0]["tag"] == "app??"


def test_the_last_line_is_all_that_a_script_prints(host: BareHost) -> None:
    host.imitate(beat=1)
    host.wait_for_workers(1)

    answer = host.ask("quiet")

    assert answer.stdout.count(b"\n") == 1
    assert answer.stdout.endswith(b"\n")


def set_words(action: str) -> str:
    """The line that hands the script its words; status needs no run."""
    return f"set -- '{{{{ executionTimeout }}}}' '{'' if action == Action.STATUS else '{{ run }}'}'"


@pytest.mark.parametrize("action", list(Action))
def test_a_document_is_ascii_and_has_nothing_to_fill_in_but_the_time_and_the_run(
    action: str,
) -> None:
    document = command_document(action)
    (step,) = document["mainSteps"]
    (script,) = step["inputs"]["runCommand"]
    lines = script.splitlines()

    assert script.isascii()
    assert lines[0] == "#!/bin/bash"
    assert [line for line in lines if "{{" in line] == [set_words(action)]
    assert step["inputs"]["timeoutSeconds"] == "{{ executionTimeout }}"
    assert set(step) == {"action", "name", "inputs"}


@pytest.mark.parametrize("action", Action)
def test_shellcheck_finds_nothing_in_the_modules_laid_end_to_end(action: Action, tmp_path: Path) -> None:
    write_scripts(tmp_path, directives=True)
    checked = subprocess.run([CHECK, tmp_path / f"{action}.sh"], check=False, capture_output=True, text=True)
    assert (checked.returncode, checked.stdout) == (0, "")


# What came after 4.2: value transformations, namerefs, a delimiter for mapfile, array tests and negative indexes.
NEWER_BASH = r"\$\{[^}]*@[QEPAaUuLK]\}|(local|declare) -n|mapfile -d|wait -n|\[\[ -v |\$\{[^}]*\[-"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_module_is_short_and_keeps_to_bash_4_2(script: Path) -> None:
    lines = script.read_text(encoding="ascii").splitlines()

    assert len(lines) < 300
    assert not [line for line in lines if re.search(NEWER_BASH, line)]
    # An empty array is an error there with set -u, unless it is asked for with care.
    careless = re.compile(
        r'(?<!\+)"\$\{(WORKERS|TITLED|BOOTING|EMBEDDED|SWARMS|DESCENDANTS|SUPERVISORS|lines|next|ready)\[@\]\}"'
    )
    assert not [line for line in lines if careless.search(line)]
