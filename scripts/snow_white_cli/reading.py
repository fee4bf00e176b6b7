"""Reading a report, or the state of a run, from JSON.

The deployed Snow White may be older or newer than this command line. So reading never fails: a missing key, or a value
of another type, gets the field's default, and an unknown key is ignored. Every text is made visible.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from snow_white.model.former_keys import FORMER_KEYS
from snow_white.model.stated_request import StatedRequest
from snow_white_cli.showing.visible_text import visible

T = TypeVar("T")
_PLAIN: Final = (bool, int, float)


class _OtherType(Exception):
    """The value is not of the field's type."""


def read(raw: object, kind: type[T]) -> T:
    """The dataclass `kind` of snow_white.model; all defaults if `raw` is no JSON object."""
    values = raw if isinstance(raw, Mapping) else {}
    former = FORMER_KEYS.get(kind, {})
    values = {former.get(key, key): value for key, value in values.items()}
    found = {}
    for name, hint in _hints(kind).items():  # type: ignore[arg-type]  # a class is hashable
        if name in values:
            try:
                found[name] = _value(values[name], hint)
            except _OtherType:
                continue
    return kind(**found)


@cache
def _hints(kind: type[Any]) -> Mapping[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _value(raw: object, hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        return _first_that_fits(raw, get_args(hint))
    if isinstance(raw, str):
        return _from_text(raw, hint)
    if raw is None and hint is types.NoneType:
        return None
    if hint in _PLAIN and type(raw) is hint:
        return raw
    if isinstance(raw, list) and get_origin(hint) is tuple:
        return tuple(_value(one, get_args(hint)[0]) for one in raw)
    if isinstance(raw, Mapping):
        return _from_object(raw, hint)
    raise _OtherType


def _first_that_fits(raw: object, hints: tuple[Any, ...]) -> Any:
    for hint in hints:
        try:
            return _value(raw, hint)
        except _OtherType:
            continue
    raise _OtherType


def _from_text(raw: str, hint: Any) -> Any:
    try:
        if hint is str:
            return visible(raw)
        if hint is datetime:
            return datetime.fromisoformat(raw)
        if isinstance(hint, type) and issubclass(hint, StrEnum):
            return hint(raw)
    except ValueError as error:
        raise _OtherType from error
    raise _OtherType


def _from_object(raw: Mapping[str, Any], hint: Any) -> Any:
    if hint is StatedRequest:
        return StatedRequest.read(raw)
    if is_dataclass(hint) and isinstance(hint, type):
        return read(raw, hint)
    if get_origin(hint) is Mapping:
        kind = get_args(hint)[1]
        return {visible(key): _value(value, kind) for key, value in raw.items()}
    raise _OtherType
