"""The rules of a Choice state."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.soak.states_language import paths


def _matches(value: str, pattern: str) -> bool:
    """StringMatches: `*` stands for any characters, and a backslash takes that meaning from what follows it."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    wanted = "".join(".*" if one == "*" else re.escape(one[-1]) for one in parts)
    return re.fullmatch(wanted, value, re.DOTALL) is not None


_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
    "Matches": _matches,
}
_IS_A: Final[Mapping[str, Callable[[Any], bool]]] = {
    "IsNull": lambda value: value is None,
    "IsString": lambda value: isinstance(value, str),
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsNumeric": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}
_TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "String": _IS_A["IsString"],
    "Numeric": _IS_A["IsNumeric"],
    "Boolean": _IS_A["IsBoolean"],
}


def next_state(state: Mapping[str, Any], data: Any, context: Any) -> str | None:
    """The state that the first matching rule names, else the default; None without one.

    Raises:
        paths.PathFailure: a rule compares what is not there, which ends a real execution at once.
    """
    for rule in state["Choices"]:
        if holds(rule, data, context):
            return str(rule["Next"])
    return state.get("Default")


def holds(rule: Mapping[str, Any], data: Any, context: Any = None) -> bool:
    """Whether a rule, or a part of one, matches; And and Or look no further than they must."""
    if "And" in rule:
        return all(holds(one, data, context) for one in rule["And"])
    if "Or" in rule:
        return any(holds(one, data, context) for one in rule["Or"])
    if "Not" in rule:
        return not holds(rule["Not"], data, context)
    variable = rule["Variable"]
    (test,) = [key for key in rule if key not in ("Variable", "Next", "Comment")]
    expected = rule[test]
    if test == "IsPresent":
        return paths.is_present(variable, data, context) is expected
    value = paths.read(variable, data, context)
    if test in _IS_A:
        return _IS_A[test](value) is expected
    kind = next(one for one in _TYPES if test.startswith(one))
    comparison = test.removeprefix(kind)
    if comparison.endswith("Path"):
        comparison, expected = comparison.removesuffix("Path"), paths.read(expected, data, context)
    return _TYPES[kind](value) and _COMPARISONS[comparison](value, expected)
