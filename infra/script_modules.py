"""The modules of the host scripts, and the order in which a script has them.

A module is a file of bash below ``ssm_documents/scripts``. One line names the modules whose
functions and variables it uses, ``# needs: clock processes``, and it comes after those in the script.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parent.parent / "ssm_documents" / "scripts"
FIRST: Final = "strict"  # the shell's settings: every script begins with them, no module declares that

_COMMENT_LINE: Final = re.compile(r"\s*#(?! shellcheck disable=)")
# A quote in front of the # may be open, and the # be text, except where a variable is declared.
_COMMENT_AFTER_CODE: Final = re.compile(r"(?<=\S)\s+# [^'\"]*$")
_COMMENT_AFTER_DECLARATION: Final = re.compile(r"^((?:readonly |declare -A )?[A-Z][A-Z0-9_]*=.*?)\s+# .*$")
# After these a space will do; after a whole command, with its quotes closed, a semicolon.
_BEFORE_COMMAND: Final = re.compile(r"(; do|; then|\(\) \{)$")
_WHOLE_COMMAND: Final = re.compile(
    r"""(?!else$|.*\bin$|[^(]*\)$)[a-z_A-Z[(]([^'"\\]|"[^'"\\]*"|'[^'"\\]*')*(?<![|&{(;])$"""
)
_NO_COMMAND: Final = re.compile(r"#|;;|[|&]")
_NEEDS: Final = re.compile(r"^# needs: (.+)$", re.MULTILINE)


class ScriptModuleError(Exception):
    """The modules of a script cannot be put in order."""


class UnknownModule(ScriptModuleError):
    """A module needs one that is no file; the message names both and the folder."""


class ModuleCircle(ScriptModuleError):
    """Modules need each other; the message names them in the order in which they do."""


class ScriptModules:
    """The modules in a folder, at any depth, by their names: the files' names without ``.sh``."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._files = {file.stem: file for file in folder.rglob("*.sh")}

    def names(self) -> list[str]:
        """All modules, sorted."""
        return sorted(self._files)

    def text(self, module: str) -> str:
        """A module's file as it is."""
        return self._files[module].read_text(encoding="ascii")

    def needs(self, module: str) -> tuple[str, ...]:
        """What a module declares that it needs, in that order."""
        declared = _NEEDS.search(self.text(module))
        return tuple(declared[1].split()) if declared else ()

    def order(self, entry: str) -> tuple[str, ...]:
        """The modules of the script of an action, each after those that it needs; ``entry`` is the last.

        Raises ``UnknownModule`` and ``ModuleCircle``.
        """
        ordered: list[str] = []
        self._add(FIRST, (), ordered)
        self._add(entry, (), ordered)
        return tuple(ordered)

    def _add(self, module: str, path: tuple[str, ...], ordered: list[str]) -> None:
        """Append a module that `path` leads to, after all that it needs."""
        if module in path:
            circle = " needs ".join((*path[path.index(module) :], module))
            raise ModuleCircle(f"The host scripts' modules need each other in a circle: {circle}.")
        if module not in self._files:
            needed_by = f", which {path[-1]} needs" if path else ""
            raise UnknownModule(f"There is no module {module}.sh in {self._folder}{needed_by}.")
        if module in ordered:
            return
        for needed in self.needs(module):
            self._add(needed, (*path, module), ordered)
        ordered.append(module)


def without_comments(text: str) -> str:
    """A script's text with less for a document to carry: no comments, no empty lines, no indentation.

    A line break is two bytes of a document, so few are left inside a function. shellcheck's directives stay, each in a
    line of its own, so that the whole script can be checked as it runs.
    """
    lines = [
        _line_without_comment(line)
        for line in text.splitlines()
        if line.strip() and not _COMMENT_LINE.match(line)
    ]
    return "".join(
        f"{line}{_separator(line, following)}"
        for line, following in zip(lines, [*lines[1:], "#"], strict=True)
    )


def _separator(line: str, following: str) -> str:
    if _NO_COMMAND.match(following):
        return "\n"
    if _BEFORE_COMMAND.search(line):
        return " "
    return ";" if _WHOLE_COMMAND.match(line) else "\n"


def _line_without_comment(line: str) -> str:
    code = _COMMENT_AFTER_DECLARATION.sub(r"\1", _COMMENT_AFTER_CODE.sub("", line))
    return code.lstrip(" ")
