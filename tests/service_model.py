"""What AWS's own description of its services says of a call: botocore's service models, held against fakes.

A fake that takes what AWS refuses, or answers what AWS never answers, proves nothing.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import botocore.session
from botocore import xform_name
from botocore.model import OperationModel, ServiceModel
from botocore.validate import ParamValidator

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "blob": (bytes,),
    "timestamp": (datetime,),
}
_GOOD_REQUESTS: Final[set[tuple[str, str, str]]] = set()
_MANY: Final = 100  # rows of a list, of which every one is looked at
_ON_THE_WIRE: Final = {**_TYPES, "timestamp": (int, float), "blob": (str,)}


@functools.cache
def _session() -> botocore.session.Session:
    return botocore.session.Session()


@functools.cache
def service_model(service: str) -> ServiceModel:
    return _session().get_service_model(service)


@functools.cache
def operations(service: str) -> Mapping[str, OperationModel]:
    """The operations by the names that boto3's methods have, such as `list_commands`."""
    model = service_model(service)
    return {xform_name(name): model.operation_model(name) for name in model.operation_names}


@functools.cache
def paginator_config(service: str, operation: str) -> dict[str, Any]:
    """How the pages of an operation, such as `ListCommands`, follow one another. Raises KeyError if it has none."""
    loader = _session().get_component("data_loader")
    config: dict[str, Any] = loader.load_service_model(service, "paginators-1")["pagination"][operation]
    return config


def wrong_request(operation: OperationModel, parameters: Mapping[str, Any]) -> list[str]:
    """Why botocore, or the service by its model, refuses the parameters; empty if they do not."""
    shape = operation.input_shape
    if shape is None:
        return [f"{operation.name} takes no parameters"] if parameters else []
    # A run that is polled for hours sends the same requests again and again.
    known = (operation.service_model.service_name, operation.name, repr(parameters))
    if known in _GOOD_REQUESTS:
        return []
    refused = ParamValidator().validate(parameters, shape)
    if refused.has_errors():
        return [refused.generate_report()]
    wrong = list(_breaks_limits(shape, parameters, operation.name))
    if not wrong:
        _GOOD_REQUESTS.add(known)
    return wrong


def wrong_answer(
    operation: OperationModel, answer: Mapping[str, Any], *, on_the_wire: bool = False
) -> list[str]:
    """What is in the answer that the model does not know, or not so, and what is missing; empty for a good one.

    Args:
        on_the_wire: the answer is what the service sends as JSON, in which a time is a number, and not what boto3
            returns.
    """
    shape = operation.output_shape
    told = {key: value for key, value in answer.items() if key != "ResponseMetadata"}
    if shape is None:
        return [f"{operation.name} answers nothing"] if told else []
    if _fits(shape, on_the_wire)(told):
        return []
    return list(_differs(shape, told, operation.name, _ON_THE_WIRE if on_the_wire else _TYPES))


@functools.cache
def _fits(shape: Any, on_the_wire: bool) -> Callable[[Any], bool]:
    """Whether `_differs` finds nothing, told quickly; of a long list some rows are enough."""
    match shape.type_name:
        case "structure":
            required = frozenset(shape.required_members)
            members = shape.members
            known: dict[str, Callable[[Any], bool]] = {}

            def structure(value: Any) -> bool:
                if not isinstance(value, Mapping) or not required <= value.keys():
                    return False
                for name, inner in value.items():
                    if name not in known:
                        if name not in members:
                            return False
                        known[name] = _fits(members[name], on_the_wire)
                    if not known[name](inner):
                        return False
                return True

            return structure
        case "list":
            member = _fits(shape.member, on_the_wire)
            return lambda value: (
                isinstance(value, list) and all(map(member, value[:: 1 + len(value) // _MANY]))
            )
        case "string" if shape.enum:
            allowed = frozenset(shape.enum)
            return lambda value: isinstance(value, str) and value in allowed
        case "map":
            return lambda value: not list(_differs(shape, value, "", _ON_THE_WIRE if on_the_wire else _TYPES))
        case kind:
            types = (_ON_THE_WIRE if on_the_wire else _TYPES)[kind]
            is_bool = kind == "boolean"
            return lambda value: isinstance(value, types) and isinstance(value, bool) is is_bool


def _differs(shape: Any, value: Any, where: str, types: Mapping[str, tuple[type, ...]]) -> Iterator[str]:
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, Mapping):
            yield f"{where} is a {type(value).__name__}, and not a structure"
            return
        members = shape.members
        yield from (f"{where} lacks {name}" for name in shape.required_members if name not in value)
        for name, inner in value.items():
            if name not in members:
                yield f"{where} has no {name}"
            else:
                yield from _differs(members[name], inner, f"{where}.{name}", types)
    elif kind == "list":
        if not isinstance(value, list):
            yield f"{where} is a {type(value).__name__}, and not a list"
            return
        for index, inner in enumerate(value):
            yield from _differs(shape.member, inner, f"{where}[{index}]", types)
    elif kind == "map":
        for key, inner in value.items():
            yield from _differs(shape.key, key, f"{where}: the key {key!r}", types)
            yield from _differs(shape.value, inner, f"{where}[{key!r}]", types)
    elif not isinstance(value, types[kind]) or isinstance(value, bool) is not (kind == "boolean"):
        yield f"{where} is {value!r}, and not a {kind}"
    elif kind == "string" and shape.enum and value not in shape.enum:
        yield f"{where} is {value!r}, and not one of {', '.join(shape.enum)}"


def _breaks_limits(shape: Any, value: Any, where: str) -> Iterator[str]:
    """Greatest lengths and numbers, patterns and enumerations, which botocore leaves to the service."""
    kind = shape.type_name
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max")
    if most is not None and kind in ("string", "list") and len(value) > most:
        yield f"{where} has a length of {len(value)}, and not of {least} to {most}"
    if most is not None and kind in ("integer", "long") and value > most:
        yield f"{where} is {value}, and not from {least} to {most}"
    if kind == "structure":
        for name, inner in value.items():
            yield from _breaks_limits(shape.members[name], inner, f"{where}.{name}")
    elif kind == "list":
        for index, inner in enumerate(value):
            yield from _breaks_limits(shape.member, inner, f"{where}[{index}]")
    elif kind == "map":
        for key, inner in value.items():
            yield from _breaks_limits(shape.key, key, f"{where}: the key {key!r}")
            yield from _breaks_limits(shape.value, inner, f"{where}[{key!r}]")
    elif kind == "string":
        if shape.enum and value not in shape.enum:
            yield f"{where} is {value!r}, and not one of {', '.join(shape.enum)}"
        pattern = _pattern(shape.metadata.get("pattern"))
        if pattern and not pattern.search(value):
            yield f"{where} is {value!r}, which does not match {pattern.pattern}"


@functools.cache
def _pattern(text: str | None) -> re.Pattern[str] | None:
    """A pattern of the model, unless it is of a kind that Python does not read."""
    try:
        return re.compile(f"^(?:{text})$") if text else None
    except re.error:
        return None
