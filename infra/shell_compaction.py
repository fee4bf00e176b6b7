"""Shell source with less for a document to carry: SSM takes 64 KiB of JSON, in which a line break is two bytes.

Comments, empty lines and indentation go, commands share a line, and operators have no spaces around them. bash reads
the same commands.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

_COMMENT_LINE: Final = re.compile(r"\s*#")
_DIRECTIVE: Final = re.compile(r"\s*# shellcheck disable=")
# A quote in front of the # may be open, and the # be text, except where a variable is declared.
_COMMENT_AFTER_CODE: Final = re.compile(r"(?<=\S)\s+# [^'\"]*$")
_COMMENT_AFTER_DECLARATION: Final = re.compile(r"^((?:readonly |declare -A )?[A-Z][A-Z0-9_]*=.*?)\s+# .*$")

_QUOTED: Final = re.compile(r"""\\.|'[^']*'|"(?:[^"\\]|\\.)*\"""")
_ARITHMETIC: Final = re.compile(r"\(\(.*?\)\)+")
_ARITHMETIC_OPERATOR: Final = re.compile(r" ([-+*/%<>=!&|?:]+) ")
_SEPARATOR: Final = re.compile(r"(;) | (;;)$|(?<=\(\)) (\{)|(?<=\bif) (\()(?=\()|(?<=[^\d\s]) (<<<|[<>]+)$")
_OPERATOR: Final = re.compile(r" (&&|\|\|?) ")

_FUNCTION: Final = re.compile(r"\w+\(\) \{|$")
_OPENING: Final = re.compile(r"(?:\{|\bthen|\bdo|\bin|&)$")
_OPERATOR_AT_END: Final = re.compile(r"(?:&&|\|\||\||;;)$")


@cache  # each action and each region needs most of the same modules
def compacted(text: str, *, directives: bool = False) -> str:
    """A script's text as a document carries it, with line breaks between functions.

    With `directives` those to shellcheck stay, each in a line of its own.
    """
    lines = [
        _line_without_comment(line)
        for line in text.splitlines()
        if line.strip() and (not _COMMENT_LINE.match(line) or (directives and _DIRECTIVE.match(line)))
    ]
    following = [*lines[1:], ""]
    return "".join(map(_compacted, lines, following))


def without_spaces_in_arithmetic(code: str) -> str:
    """Leaves out the spaces around operators in (( )): bash keeps its text as it is written."""
    return _ARITHMETIC.sub(lambda found: _ARITHMETIC_OPERATOR.sub(r"\1", found[0]), code)


def _line_without_comment(line: str) -> str:
    return _COMMENT_AFTER_DECLARATION.sub(r"\1", _COMMENT_AFTER_CODE.sub("", line))


def _compacted(line: str, following: str) -> str:
    """The line with what separates it from the following one."""
    code = line.lstrip(" ")
    if code.startswith("#"):
        return f"{code}\n"
    if code.endswith("\\"):
        return code[:-1]
    bare = _QUOTED.sub("", code)
    code = _without_spaces(code)
    if (
        code == "else"
        or following.lstrip(" ").startswith("#")
        or _FUNCTION.match(following)
        or line.startswith("}")
    ):
        return f"{code}\n"
    if _OPERATOR_AT_END.search(bare) or following.lstrip(" ").startswith(";;") or _is_label(bare):
        return code
    return f"{code} " if _OPENING.search(bare) else f"{code};"


def _is_label(bare: str) -> bool:
    """Whether it is the pattern of a case, which alone closes a parenthesis that it has not opened."""
    return bare.endswith(")") and bare.count(")") > bare.count("(")


def _without_spaces(code: str) -> str:
    """Leaves out the spaces around operators, except within quotes."""
    has_expression = "=~" in code  # next to a regular expression spaces matter
    parts = []
    end = 0
    for quoted in _QUOTED.finditer(code):
        parts += [_unquoted_without_spaces(code[end : quoted.start()], has_expression), quoted[0]]
        end = quoted.end()
    return "".join([*parts, _unquoted_without_spaces(code[end:], has_expression)])


def _unquoted_without_spaces(code: str, has_expression: bool) -> str:
    code = _SEPARATOR.sub(lambda found: found[found.lastindex or 0], code)
    return code if has_expression else _OPERATOR.sub(r"\1", without_spaces_in_arithmetic(code))
