"""The four SSM Command documents in their final form: the YAML of ``ssm_documents/`` with its script put in.

A host must not depend on anything but the document when it is told to be quiet, so the script stands inside it. It is
written as small modules that are sourced by nobody: they are laid end to end here. Where a host shall download the
script instead, the document names the SHA-256 that it must have.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from infra.script_source import ScriptSource
from snow_white.model.action import Action

LARGEST_DOCUMENT: Final = 64 * 1024  # bytes, what SSM takes

_FOLDER: Final = Path(__file__).resolve().parent.parent / "ssm_documents"
_SEES: Final = ("strict", "clock", "processes", "proof", "one_command", "clients", "earlier", "memory",
                "supervisors", "systemd", "supervisord", "other_supervisors", "report", "answer")  # fmt: skip
_ACTS: Final = (*_SEES, "signals", "failed_starts")
_DRAINS: Final = (*_ACTS, "drain", "obstacles")
_MODULES: Final[Mapping[str, tuple[str, ...]]] = {
    "status": (*_SEES, "status"),
    "quiet": (*_DRAINS, "quiet"),
    "stop": (*_DRAINS, "groups", "stop"),
    "wake": (*_ACTS, "groups", "start_stopped", "wake"),
}
_FUNCTION_HEAD: Final = re.compile(r"^(\w+\(\) \{) # .*")
_LIMIT_LINE: Final = "set -- '{{ executionTimeout }}'"


class DocumentTooLarge(Exception):
    """A document is over what SSM takes; the message says which and by how much."""


def action_script(action: str) -> str:
    """The script of an action: bash, takes executionTimeout (seconds) as its only argument.

    A document has little room: comments on lines of their own and on what a function takes are left out, and a level of
    indentation is one space.
    """
    lines = ["#!/bin/bash"]
    for module in _MODULES[action]:
        text = (_FOLDER / "scripts" / f"{module}.sh").read_text(encoding="ascii")
        for line in text.splitlines():
            code = line.lstrip(" ")
            if code and not _is_comment(line):
                lines.append(" " * ((len(line) - len(code)) // 2) + _FUNCTION_HEAD.sub(r"\1", code))
    return "\n".join(lines) + "\n"


def _is_comment(line: str) -> bool:
    """What is left out; shellcheck's directives stay, so that the whole script can be checked as it runs."""
    words = line.lstrip()
    return words.startswith("#") and not words.startswith("# shellcheck disable=")


def script_sha256(action: str) -> str:
    """What a downloaded script of the action must hash to, in hexadecimal digits."""
    return hashlib.sha256(action_script(action).encode("ascii")).hexdigest()


def command_document(action: str, source: ScriptSource | None = None) -> dict[str, Any]:
    """The document of an action as it is handed to SSM; with the script inside, or with where to download it.

    Raises ``KeyError`` for an unknown action and ``DocumentTooLarge``.
    """
    text = (_FOLDER / f"{action}_sidekiq_workers.yaml").read_text(encoding="ascii")
    document: dict[str, Any] = yaml.safe_load(text)
    step = document["mainSteps"][0]
    if source is None:
        shebang, *body = action_script(action).splitlines()
        step["inputs"]["runCommand"] = [shebang, _LIMIT_LINE, *body]
    else:
        folder = f"/var/lib/snow-white/{action}"
        document["mainSteps"].insert(0, _download_step(action, source, folder))
        step["inputs"]["runCommand"] = _checked_run(f"{folder}/{_file(action)}", script_sha256(action))
    size = len(json.dumps(document).encode())
    if size > LARGEST_DOCUMENT:
        raise DocumentTooLarge(
            f"{Action(action).document_name} has {size} bytes, SSM takes {LARGEST_DOCUMENT}."
        )
    return document


def _file(action: str) -> str:
    return f"{action}.sh"


def _download_step(action: str, source: ScriptSource, folder: str) -> dict[str, Any]:
    return {
        "action": "aws:downloadContent",
        "name": f"download{action.capitalize()}Script",
        "inputs": {**source.step_inputs(_file(action)), "destinationPath": f"{folder}/"},
    }


def _checked_run(path: str, sha256: str) -> list[str]:
    """Commands that run a downloaded script if it is the expected one; else the answer says that it is not."""
    checker = (_FOLDER / "scripts" / "run_downloaded.sh").read_text(encoding="ascii")
    lines = [line for line in checker.splitlines() if line.strip() and not line.startswith("# ")]
    return ["#!/bin/bash", f"set -- '{path}' '{sha256}' '{{{{ executionTimeout }}}}'", *lines]


def write_scripts(folder: Path) -> None:
    """Writes the four scripts as they are to be put into a repository or a bucket, named ACTION.sh."""
    folder.mkdir(parents=True, exist_ok=True)
    for action in Action:
        (folder / _file(action)).write_text(action_script(action), encoding="ascii")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(
            "usage: python -m infra.command_documents FOLDER   (writes quiet.sh, stop.sh, wake.sh and status.sh)"
        )
    write_scripts(Path(sys.argv[1]))
