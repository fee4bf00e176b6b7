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
