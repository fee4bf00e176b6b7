"""Reading and writing the run, its report and its Slack state as JSON. No other module knows their keys.

A running execution calls the newest code, and after a rollback it calls older code. So reading is tolerant: a missing
key gets the field's default, an unknown key is ignored, and a renamed key is also read under its former names.
tests/lambdas/model/states/ has a file for every shape that the state has had.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from snow_white.model.ended_run import StepError
from snow_white.model.fleet import Process, RegionPlan
from snow_white.model.former_keys import FORMER_KEYS
from snow_white.model.report import InstanceResult, Problem, Report, Stated
from snow_white.model.run import CommandReading, Outcome, Run
from snow_white.model.run_so_far import RunSoFar
from snow_white.model.slack_state import Requester, SlackState
from snow_white.model.state_budget import group_bytes
from snow_white.model.stated_request import StatedRequest
from snow_white.model.stragglers import Stragglers

T = TypeVar("T")

_PACKED_FROM_BYTES: Final = 40_000  # of all groups in the plan and the report: some 500 environments

# The report's JSON omits these keys if they are None.
_OMITTED_IF_NONE: Final = (
    *(
        "summary",
        "hosts",
        "more_hosts",
        "what_to_do",
        "stopped_by",
        "so_far",
        "lease",
        "lifecycle_action",
        "slack",
    ),
    *("auto_scaling_groups", "tags", "instance_ids", "groups"),
)


def from_json(raw: Mapping[str, Any], kind: type[T]) -> T:
    """Read a dataclass of this package from JSON; raises an error of cattrs for values of a wrong type."""
    return _CONVERTER.structure(raw, kind)


def to_json(value: object) -> dict[str, Any]:
    """The value as JSON that `from_json` reads: dicts, lists, texts, numbers, booleans and None."""
    written: dict[str, Any] = _CONVERTER.unstructure(value)
    return written


def _make_converter() -> Converter:
    converter = Converter(unstruct_collection_overrides={tuple: list}, detailed_validation=False)
    converter.register_unstructure_hook(datetime, datetime.isoformat)
    converter.register_structure_hook(datetime, lambda text, _: datetime.fromisoformat(text))
    converter.register_structure_hook_func(_is_stated, lambda value, _: _read_stated(value))
    converter.register_unstructure_hook_func(
        _is_stated, lambda value: list(value) if isinstance(value, tuple) else value
    )
    # A pair is shorter than an object, and a large run has hundreds of readings.
    converter.register_unstructure_hook(CommandReading, lambda one: [one.completed, one.confirmed])
    converter.register_structure_hook(CommandReading, lambda pair, _: CommandReading(*pair))
    converter.register_structure_hook(Outcome, lambda text, _: _outcome(text))
    converter.register_structure_hook(StatedRequest, lambda raw, _: StatedRequest.read(raw))
    # The key is older than fleets that are not Elastic Beanstalk's, and a former version may read the state again.
    groups = override(rename="environments")
    converter.register_structure_hook(
        RegionPlan, _reading_packed_groups(make_dict_structure_fn(RegionPlan, converter, groups=groups))
    )
    converter.register_unstructure_hook(
        RegionPlan, make_dict_unstructure_fn(RegionPlan, converter, groups=groups)
    )
    for kind in (Requester, SlackState, Stragglers, StepError, Run, RunSoFar):
        structure = make_dict_structure_fn(kind, converter)
        converter.register_structure_hook(kind, _reading_former_shapes(kind, structure))
    # A report may list hundreds of them, and most know neither.
    if_known = override(omit_if_default=True)
    converter.register_unstructure_hook(Process, make_dict_unstructure_fn(Process, converter, since=if_known))
    for listed in (InstanceResult, Problem):
        write = make_dict_unstructure_fn(listed, converter, asleep_by=if_known)
        converter.register_unstructure_hook(listed, write)
    converter.register_unstructure_hook(
        Report, _without_empty_keys(make_dict_unstructure_fn(Report, converter))
    )
    # It is made last, because it takes the hooks that are there.
    converter.register_unstructure_hook(Run, _packing_many_groups(make_dict_unstructure_fn(Run, converter)))
    return converter


def _is_stated(kind: Any) -> bool:
    return bool(kind == Stated)


def _read_stated(value: Any) -> Stated:
    """The stated value; None for a value that this package never writes."""
    match value:
        case str() | int() | float() | bool():
            return value
        case list() if all(isinstance(one, str) for one in value):
            return tuple(value)
    return None


def _reading_former_shapes(kind: type, structure: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    former = FORMER_KEYS[kind]

    def read(raw: Mapping[str, Any], _: Any) -> Any:
        return structure(
            _with_current_values(kind, {former.get(key, key): value for key, value in raw.items()}), kind
        )

    return read


def _packing_many_groups(unstructure: Callable[[Run], dict[str, Any]]) -> Callable[[Run], dict[str, Any]]:
    """Writes hundreds of groups in a third of the bytes. A version before 0.2.0 could not read them."""

    def write(run: Run) -> dict[str, Any]:
        written = unstructure(run)
        if group_bytes(run.plan) > _PACKED_FROM_BYTES:
            for part in written["plan"]:
                pairs = json.dumps([[one["name"], one["id"]] for one in part["environments"]])
                part["environments"] = base64.b64encode(zlib.compress(pairs.encode())).decode()
        return written

    return write


def _reading_packed_groups(structure: Callable[..., RegionPlan]) -> Callable[[Any, Any], RegionPlan]:
    def read(raw: Mapping[str, Any], kind: Any) -> RegionPlan:
        packed = raw.get("environments")
        if isinstance(packed, str):
            pairs = json.loads(zlib.decompress(base64.b64decode(packed)))
            raw = {**raw, "environments": [{"name": name, "id": id_} for name, id_ in pairs]}
        return structure(raw, kind)

    return read


def _with_current_values(kind: type, raw: dict[str, Any]) -> dict[str, Any]:
    """The JSON with values of a former shape converted to today's shape."""
    if kind is Run and any(isinstance(one, list) for one in raw.get("readings", {}).values()):
        # At first, readings were not grouped by region. Without readings, the next poll reads the commands again.
        return {**raw, "readings": {}}
    if kind is SlackState and "person" in raw:
        return {**raw, "requester": {"member": raw["person"]}}
    return raw


def _outcome(text: str) -> Outcome:
    return Outcome(text) if text in set(Outcome) else Outcome.WORKING


def _without_empty_keys(
    unstructure: Callable[[Report], dict[str, Any]],
) -> Callable[[Report], dict[str, Any]]:
    def write(report: Report) -> dict[str, Any]:
        written = unstructure(report)
        return {
            key: value for key, value in written.items() if value is not None or key not in _OMITTED_IF_NONE
        }

    return write


_CONVERTER: Final = _make_converter()
