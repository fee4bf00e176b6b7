"""The commands that the pages show, and whether the programs of this repository take them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Final
from unittest import mock

from click.testing import CliRunner

from snow_white_cli import commands

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_FENCED: Final = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
_INDENTED: Final = re.compile(r"(?<=\n\n)(?: {4}\S.*\n)+")
_INLINE: Final = re.compile(r"`((?:\./scripts/)?snow-white [^`]+|\./scripts/[^`]+)`")
_ENDS_A_COMMAND: Final = {"&&", "||", "|", ";", "}", ")", "then", "do"}


def code_blocks(page: str) -> list[tuple[str, str]]:
    """(language, text) of every fenced block of a page, and ("", text) of every indented one."""
    fenced = [(found[2], _dedented(found[3], len(found[1]))) for found in _FENCED.finditer(page)]
    rest = _FENCED.sub("", page)
    return fenced + [("", _dedented(found[0], 4)) for found in _INDENTED.finditer(rest)]


def _dedented(text: str, columns: int) -> str:
    return "".join(line[columns:] if line.strip() else line for line in text.splitlines(keepends=True))


def shown_commands(page: str) -> list[list[str]]:
    """The words of every command of a script of this repository, or of `snow-white`, that a page shows."""
    lines = [line for _, text in code_blocks(page) for line in text.replace("\\\n", " ").splitlines()]
    lines += _INLINE.findall(_FENCED.sub("", page).replace("\n", " "))
    return [command for line in lines for command in commands_of(line)]


def commands_of(line: str) -> list[list[str]]:
    """The commands in one line of shell that call a script of this repository, or `snow-white`."""
    words = re.sub(r"^\$ ", "", line.strip())
    words = re.sub(r'^command = "(.*)"$', r"\1", words)  # Terraform
    if "snow-white" not in words and "./scripts/" not in words:
        return []
    lexer = shlex.shlex(words, posix=True, punctuation_chars=";&|(){}")
    lexer.whitespace_split = True
    try:
        split = list(lexer)
    except ValueError:  # no line of shell: an apostrophe in a sentence, for example
        return []
    found: list[list[str]] = []
    here: list[str] | None = None
    for word in split:
        if word in _ENDS_A_COMMAND or set(word) <= set(";&|"):
            here = None
        elif here is not None:
            here.append(word)
        elif word == "snow-white" or re.fullmatch(r"(\.?/)?scripts/[\w-]+", word):
            here = [word]
            found.append(here)
    return [words for words in found if len(words) > 1 or not words[0].endswith("snow-white")]


def wrong_usage(arguments: list[str]) -> str:
    """What `snow-white` has against its arguments; "" if it takes them. Nothing is started."""
    with (
        mock.patch.object(commands, "_start", return_value=0),
        mock.patch.object(commands.follow, "callback", _nothing),
        mock.patch.object(commands.runs, "callback", _nothing),
    ):
        result = CliRunner().invoke(commands.snow_white, arguments)
    return "" if result.exit_code == 0 else result.output


def _nothing(**_: object) -> None:
    pass


def source_of(program: str) -> str:
    """The text of a script, and of the Python modules that it runs."""
    script = (ROOT / program).read_text()
    modules = [
        file
        for name in re.findall(r"-m ([\w.]+)", script)
        for folder in (ROOT, ROOT / "scripts")
        for file in (folder / name.replace(".", "/") / "__main__.py", folder / f"{name.replace('.', '/')}.py")
    ]
    return "\n".join([script, *(file.read_text() for file in modules if file.is_file())])


def unknown_options(script: str, arguments: list[str]) -> list[str]:
    """Options that a script does not know; `script` is its text."""
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    options = [word for word in own if re.fullmatch(r"--[a-z][\w-]*", word)]
    return [word for word in options if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", script)]
