"""What a module of the host scripts defines, calls and reads, found in its text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from infra.script_modules import ScriptModules

_COMMENT = re.compile(r"(^|\s)#( .*)?$")
_FUNCTION = re.compile(r"^(\w+)\(\) \{", re.MULTILINE)
_KEYWORD = r"(?:if|then|else|elif|while|until|do)\b"
# Where bash expects a command.
_COMMAND = re.compile(rf"(?:^|[;&|!(){{]|\b{_KEYWORD}|\btrap )\s*(?!{_KEYWORD})([a-z_]\w*)\b", re.MULTILINE)
_HANDED_OVER = re.compile(r"\b(?:run_action|allow_workers) (\w+)")
_GLOBAL_LINE = re.compile(r"^(?:readonly |declare -A |export )?[A-Z][A-Z0-9_]*=.*$", re.MULTILINE)
_ASSIGNED = re.compile(r"(?<![\w$\"'])([A-Z][A-Z0-9_]*)(?:\[[^\]]*\])?\+?=")
_NAME = re.compile(r"\b[A-Z][A-Z0-9_]*\b")


@dataclass(frozen=True)
class ShellModule:
    """A module by what stands in it. `globals` are declared at its top level; `words` are names in capitals."""

    functions: frozenset[str]
    commands: frozenset[str]
    globals: frozenset[str]
    assigned: frozenset[str]
    words: frozenset[str]

    @property
    def defines(self) -> frozenset[str]:
        return self.functions | self.globals

    @property
    def mentions(self) -> frozenset[str]:
        return self.commands | self.words


def read_module(text: str) -> ShellModule:
    code = "\n".join(_COMMENT.sub("", line) for line in text.splitlines())
    declared = "\n".join(_GLOBAL_LINE.findall(code))
    return ShellModule(
        functions=frozenset(_FUNCTION.findall(code)),
        commands=frozenset(_COMMAND.findall(code) + _HANDED_OVER.findall(code)),
        globals=frozenset(_ASSIGNED.findall(declared)),
        assigned=frozenset(_ASSIGNED.findall(code)),
        words=frozenset(_NAME.findall(code)),
    )


def uses(modules: ScriptModules) -> dict[str, set[str]]:
    """For each module the other ones whose functions it calls or whose variables it names."""
    read = {name: read_module(modules.text(name)) for name in modules.names()}
    return {
        name: {other for other in read if other != name and module.mentions & read[other].defines}
        for name, module in read.items()
    }


def uncommented_globals(text: str) -> list[str]:
    """The lines at a module's top level that declare variables and do not say behind a # what they hold."""
    return [line for line in _GLOBAL_LINE.findall(text) if " # " not in line]


def main() -> None:
    """Prints how many variables the host scripts have that belong to a whole script, and their names."""
    modules = ScriptModules()
    texts = [modules.text(name) for name in modules.names()]
    variables = {name for text in texts for name in read_module(text).globals}
    lines = [line for text in texts for line in _GLOBAL_LINE.findall(text)]
    constants = {
        name for line in lines if line.startswith(("readonly", "export")) for name in _ASSIGNED.findall(line)
    }
    print(f"{len(variables)} variables, {len(variables & constants)} of them constants")
    print(*sorted(variables))


if __name__ == "__main__":
    main()
