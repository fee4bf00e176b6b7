"""The scripts that people run on their own machines run with bash 3.2 and without GNU tools, as on macOS.

No package index has bash 3.2. So the tests take today's bash without the builtins and with the compatibility level of
3.2, and look for the constructs of bash 4 and 5 in the text. SNOW_WHITE_BASH_32=/path/to/bash runs them with a real
bash 3.2, too.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
SCRIPTS: Final = ("deploy", "setup", "snow-white", "package")
REAL: Final = os.environ.get("SNOW_WHITE_BASH_32")
SHELLS: Final = ["restricted", *([REAL] if REAL else [])]
# What macOS has of the programs that the scripts may call.
TOOLS: Final = ("bash", "cat", "cut", "dirname", "env", "mkdir", "rm", "shasum", "uname")
_NEWER_THAN_32: Final = {
    "bash 4: mapfile": r"\b(mapfile|readarray)\b",
    "bash 4: associative arrays": r"\b(declare|local|typeset) -[a-zA-Z]*A",
    "bash 4.3: name references": r"\b(declare|local|typeset) -[a-zA-Z]*n",
    "bash 4: change of case": r"\$\{\w+(\[[^]]*\])?(,|\^)",
    "bash 4.4: transformations": r"\$\{\w+(\[[^]]*\])?@[A-Za-z]\}",
    "bash 4: |& and &>>": r"\|&|&>>",
    "bash 4: coproc": r"\bcoproc\b",
    "bash 4: fall through in case": r";;&|;&",
    "bash 4.2: test -v": r"\[\[? -v ",
    "bash 4.2: printf %()T": r"%\([^)]*\)T",
    "bash 4.3: wait -n": r"\bwait -n\b",
    "bash 4.4: wait for a process substitution": r"\bwait \$!",
    "bash 4.1: named file descriptors": r"\{\w+\}[<>]",
    "bash 4: globstar": r"\bglobstar\b",
    "bash 4.3: negative subscripts": r"\[-[0-9]+\]",
    "bash 5: EPOCHSECONDS": r"\bEPOCH(SECONDS|REALTIME)\b",
}
_GNU_ONLY: Final = {
    "readlink -f": r"\breadlink -[a-z]*[fem]",
    "realpath": r"\brealpath\b",
    "sed -i, -r or -E with GNU's escapes": r"\bsed -[a-z]*[ir]",
    "grep -P": r"\bgrep -[a-zA-Z]*P",
    "date -d": r"\bdate (-d|--)",
    "stat -c": r"\bstat -[a-z]*c",
    "nproc": r"\bnproc\b",
    "timeout": r"\btimeout [0-9]",
    "xargs -r": r"\bxargs -[a-z0-9 ]*r\b",
    "mktemp with long options": r"\bmktemp --",
    "sort -V": r"\bsort -[a-z]*V",
    "base64 -w": r"\bbase64 -w",
    "cp -a": r"\bcp -[a-z]*a",
}


def code(script: str) -> str:
    """The script without its comments and without the text of its help."""
    text = re.sub(r"<<'TEXT'\n.*?\nTEXT\n", "\n", (ROOT / "scripts" / script).read_text(), flags=re.DOTALL)
    return re.sub(r"(?m)(^|\s)#.*$", "", text)


def found(patterns: dict[str, str], text: str) -> list[str]:
    return [name for name, pattern in patterns.items() if re.search(pattern, text)]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_has_no_construct_of_a_newer_bash_and_no_option_of_gnu(script: str) -> None:
    assert found(_NEWER_THAN_32, code(script)) == []
    assert found(_GNU_ONLY, code(script)) == []


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("mapfile -t regions < <(list)", "bash 4: mapfile"),
        ("declare -A seen=()", "bash 4: associative arrays"),
        ('echo "${name,,}"', "bash 4: change of case"),
        ("make |& tee log", "bash 4: |& and &>>"),
        ("wait $! || exit 1", "bash 4.4: wait for a process substitution"),
        ('readlink -f "$0"', "readlink -f"),
    ],
)
def test_such_a_construct_is_found(line: str, name: str) -> None:
    assert found({**_NEWER_THAN_32, **_GNU_ONLY}, line) == [name]


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_array_that_may_be_empty_is_not_expanded(script: str) -> None:
    """Until bash 4.3 an empty array counts as unset, so that `set -u` ends the script."""
    text = code(script)
    for array in set(re.findall(r"\b(\w+)=\(\)", text)):
        for line in text.splitlines():
            if f'"${{{array}[@]}}"' in line or f'"${{{array}[*]}}"' in line:
                filled = re.search(rf"{array}\+?=\([^)]|\(\(\$\{{#{array}\[@\]\}}\)\)", text)
                assert filled, f"{array} may be empty in: {line}"


@pytest.fixture
def old_machine(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine with a shell like bash 3.2 and few programs, none of them GNU's alone."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in TOOLS:
        if path := shutil.which(tool):
            (tools / tool).symlink_to(path)
    readlink = tools / "readlink"
    readlink.write_text('#!/bin/sh\n[ "${1#-}" = "$1" ] || exit 64\nexec /usr/bin/readlink "$1"\n')
    readlink.chmod(0o755)
    old = tmp_path / "old.sh"
    old.write_text("enable -n mapfile readarray\nBASH_COMPAT=3.2\n")
    return {
        "PATH": str(tools),
        "BASH_ENV": str(old),
        "HOME": "/nonexistent",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "SNOW_WHITE_SETTINGS_FILE": "",
    }


def run(shell: str, environ: dict[str, str], *command: str | Path) -> subprocess.CompletedProcess[str]:
    if shell != "restricted":
        environ = {name: value for name, value in environ.items() if name != "BASH_ENV"}
    program = [shell] if shell != "restricted" else ["bash"]
    return subprocess.run(
        [*program, *command], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("shell", SHELLS)
def test_the_machine_lacks_what_macos_lacks(shell: str, old_machine: dict[str, str]) -> None:
    assert run(shell, old_machine, "-c", "mapfile -t x </dev/null").returncode != 0
    assert run(shell, old_machine, "-c", "readlink -f /").returncode != 0
    assert run(shell, old_machine, "-c", "command -v sha256sum").returncode != 0


@pytest.mark.parametrize("shell", SHELLS)
def test_a_deployment_runs_there(shell: str, old_machine: dict[str, str]) -> None:
    settings = '{"regions": ["eu-west-1", "us-east-1"]}'
    shown = run(shell, old_machine, "scripts/deploy", "--dry-run", "--yes", "--settings", settings)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "bootstrap aws://ACCOUNT/eu-west-1 aws://ACCOUNT/us-east-1\n" in shown.stdout
    refused = run(shell, old_machine, "scripts/deploy", "--yes")
    assert refused.returncode == 1
    assert refused.stderr.startswith("There are no AWS credentials that work")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_line_runs_there_through_a_link(
    shell: str, old_machine: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    link = tmp_path / "bin" / "snow-white"
    link.symlink_to("../here")
    (tmp_path / "here").symlink_to(ROOT / "scripts" / "snow-white")
    result = run(shell, old_machine, link, "--version")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("snow-white ")
