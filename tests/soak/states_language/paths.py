"""Reference paths and payload templates of the Amazon States Language (JSONPath), as definitions here use them."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Sequence
from typing import Any, Final

_STEP: Final = re.compile(r"\.(?P<name>[A-Za-z_][\w-]*)|\[(?P<index>[0-9]+)\]|\['(?P<quoted>[^']*)'\]")


_STRING_TO_JSON: Final = re.compile(r"States\.StringToJson\((?P<path>\$[^)]*)\)")


class PathFailure(Exception):
    """A path points to nothing; Step Functions ends the state with States.ParameterPathFailure or States.Runtime."""


def read(path: str, data: Any, context: Any = None) -> Any:
    """What `$.a.b[0]` means in the data, or `$$.Execution.Id` in the context object."""
    found, rest = (context, path[2:]) if path.startswith("$$") else (data, path[1:])
    for step in _steps(path, rest):
        try:
            found = found[step]
        except (KeyError, IndexError, TypeError) as error:
            raise PathFailure(f"The path '{path}' points to nothing in the input.") from error
    return found


def is_present(path: str, data: Any, context: Any = None) -> bool:
    """Whether the path points to something."""
    try:
        read(path, data, context)
    except PathFailure:
        return False
    return True


def write(path: str, data: Any, value: Any) -> Any:
    """The data with the value at a reference path of names; objects on the way are made. The data stays as it is."""
    steps = _steps(path, path[1:])
    if not steps:
        return value
    if not isinstance(data, dict):
        raise PathFailure(f"The path '{path}' cannot be written into what is no object.")
    whole = {**data}
    inner = whole
    for step in steps[:-1]:
        below = inner.get(str(step))
        inner[str(step)] = {**below} if isinstance(below, dict) else {}
        inner = inner[str(step)]
    inner[str(steps[-1])] = value
    return whole


def fill(template: Any, data: Any, context: Any) -> Any:
    """A payload template: the value of each key that ends with `.$` is a path, or States.StringToJson of one."""
    if isinstance(template, list):
        return [fill(one, data, context) for one in template]
    if not isinstance(template, dict):
        return template
    return {
        key.removesuffix(".$"): _read(value, data, context)
        if key.endswith(".$")
        else fill(value, data, context)
        for key, value in template.items()
    }


def _read(text: str, data: Any, context: Any) -> Any:
    found = _STRING_TO_JSON.fullmatch(text)
    if found is None:
        return read(text, data, context)
    try:
        return json.loads(read(found["path"], data, context))
    except (TypeError, ValueError) as error:
        raise PathFailure(f"{text}: the value is no JSON.") from error


@functools.cache
def _steps(path: str, text: str) -> Sequence[str | int]:
    steps: list[str | int] = []
    while text:
        found = _STEP.match(text)
        if found is None:
            raise ValueError(f"The path '{path}' is of a kind that is not read here.")
        steps.append(int(found["index"]) if found["index"] else found["name"] or found["quoted"])
        text = text[found.end() :]
    return steps
