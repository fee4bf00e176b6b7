"""The four SSM Command documents in their final form: the YAML of ``ssm_documents/`` with its script put in.

A host must not depend on anything but the document when it is told to be quiet, so the script stands inside it. It is
written as small modules, which are put together here in the order of their needs. Where a host shall download the
script instead, the document names the SHA-256 that it must have.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from infra.script_modules import ScriptModules
from infra.script_source import ScriptSource
from infra.shell_compaction import compacted
from snow_white.model.action import Action

LARGEST_DOCUMENT: Final = 64 * 1024  # bytes, what SSM takes

LARGEST_SCRIPT_DOCUMENT: Final = 60_000  # bytes, our own bound: room for a change that cannot wait

_FOLDER: Final = Path(__file__).resolve().parent.parent / "ssm_documents"
_LIMIT: Final = "{{ executionTimeout }}"
_RUN: Final = "{{ run }}"


class DocumentTooLarge(Exception):
    """A document is over what SSM takes; the message says which and by how much."""


def action_script(action: str, *, directives: bool = False) -> str:
    """The script of an action: bash; takes executionTimeout (seconds), the run, and then the launchers.

    With `directives` it has those to shellcheck, which hosts do not need.
    """
    modules = ScriptModules()
    code = "".join(compacted(modules.text(module), directives=directives) for module in modules.order(action))
    return f"#!/bin/bash\n{code}"


def script_sha256(action: str) -> str:
    """What a downloaded script of the action must hash to, in hexadecimal digits."""
    return hashlib.sha256(action_script(action).encode("ascii")).hexdigest()


def command_document(
    action: str, source: ScriptSource | None = None, launchers: Sequence[str] = ()
) -> dict[str, Any]:
    """The document of an action as it is handed to SSM; with the script inside, or with where to download it.

    `launchers` are the ends of the paths of the application's own programs that start Sidekiq.

    Raises ``KeyError`` for an unknown action and ``DocumentTooLarge``.
    """
    text = (_FOLDER / f"{action}_sidekiq_workers.yaml").read_text(encoding="ascii")
    document: dict[str, Any] = yaml.safe_load(text)
    step = document["mainSteps"][0]
    run = _RUN if "run" in document["parameters"] else ""
    words = " ".join(f"'{word}'" for word in (_LIMIT, run, *launchers))
    if source is None:
        shebang, _, body = action_script(action).partition("\n")
        # One entry: the agent joins entries with line breaks and ends the last one with a line break itself.
        step["inputs"]["runCommand"] = [f"{shebang}\nset -- {words}\n{body}".rstrip("\n")]
    else:
        folder = f"/var/lib/snow-white/{action}"
        document["mainSteps"].insert(0, _download_step(action, source, folder))
        step["inputs"]["runCommand"] = [
            _checked_run(f"{folder}/{_file(action)}", script_sha256(action), words)
        ]
    size = document_size(document)
    if size > LARGEST_DOCUMENT:
        raise DocumentTooLarge(
            f"{Action(action).document_name} has {size} bytes, SSM takes {LARGEST_DOCUMENT}."
        )
    return document


def document_size(document: Mapping[str, Any]) -> int:
    """Bytes of a document as JSON."""
    return len(json.dumps(document).encode())


def document_sizes() -> dict[str, int]:
    """Bytes of each document by its action, with the script inside."""
    return {action: document_size(command_document(action)) for action in Action}


def _file(action: str) -> str:
    return f"{action}.sh"


def _download_step(action: str, source: ScriptSource, folder: str) -> dict[str, Any]:
    return {
        "action": "aws:downloadContent",
        "name": f"download{action.capitalize()}Script",
        "inputs": {**source.step_inputs(_file(action)), "destinationPath": f"{folder}/"},
    }


def _checked_run(path: str, sha256: str, words: str) -> str:
    """Runs a downloaded script if it is the expected one; else the answer says that it is not."""
    checker = compacted((_FOLDER / "run_downloaded.sh").read_text(encoding="ascii"))
    return f"#!/bin/bash\nset -- '{path}' '{sha256}' {words}\n{checker}".rstrip("\n")


def write_scripts(folder: Path, *, directives: bool = False) -> None:
    """Writes the four scripts, named ACTION.sh; without directives as they go into a repository or a bucket."""
    folder.mkdir(parents=True, exist_ok=True)
    for action in Action:
        (folder / _file(action)).write_text(action_script(action, directives=directives), encoding="ascii")


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m infra.command_documents", description=__doc__)
    parser.add_argument(
        "folder", nargs="?", type=Path, help="where to write quiet.sh, stop.sh, wake.sh and status.sh"
    )
    parser.add_argument(
        "--directives", action="store_true", help="keep the directives to shellcheck in what is written"
    )
    parser.add_argument("--sizes", action="store_true", help="print the bytes of each document")
    options = parser.parse_args(arguments)
    if not options.sizes and options.folder is None:
        parser.error("a folder or --sizes is needed")
    if options.folder is not None:
        write_scripts(options.folder, directives=options.directives)
    if options.sizes:
        print(f"{'largest':8}{LARGEST_SCRIPT_DOCUMENT:7} bytes")
        for action, size in document_sizes().items():
            print(f"{action:8}{size:7} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
