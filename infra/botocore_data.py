"""Botocore's data cut down to what the functions call: 27 MB become less than one, and a client is made sooner.

Botocore has a folder for each service and in it one for each version of its API, with the operations and the shapes
of what goes in and out (service-2), the paginators and the endpoints. It uses the newest version, and reads a plain
file as well as a compressed one. One file has the endpoints of all services, and is read for the first client.
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

CALLED: Final[Mapping[str, tuple[str, ...]]] = {
    "autoscaling": (
        "CompleteLifecycleAction",
        "DescribeAutoScalingGroups",
        "DescribeLifecycleHooks",
        "RecordLifecycleActionHeartbeat",
    ),
    "cloudtrail": ("LookupEvents",),
    "dynamodb": ("DeleteItem", "GetItem", "PutItem", "UpdateItem"),
    "ec2": ("DescribeInstances",),
    "elasticbeanstalk": ("DescribeEnvironments",),
    "events": ("PutEvents",),
    "iam": ("ListUserTags",),
    "scheduler": ("CreateSchedule", "DeleteSchedule", "GetSchedule", "UpdateSchedule"),
    "secretsmanager": ("GetSecretValue",),
    "ssm": (
        "CancelCommand",
        "DescribeDocument",
        "DescribeInstanceInformation",
        "ListCommandInvocations",
        "ListCommands",
        "SendCommand",
    ),
    "stepfunctions": (
        "DescribeExecution",
        "GetExecutionHistory",
        "ListExecutions",
        "StartExecution",
        "StopExecution",
    ),
}
"""The operations that the functions call, by botocore's name of the service. A call that is missing here fails in a
deployed function only, so a test compares them with the functions' permissions."""

READ: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "ec2": {"Instance": ("InstanceId", "LaunchTime", "State", "Tags"), "Reservation": ("Instances",)},
    "ssm": {"InstanceInformation": ("InstanceId", "LastPingDateTime")},
}
"""Of some shapes, by service, the members that the functions read: an instance has about 4 KB, and botocore makes a
value of each member that it knows. It takes no notice of those that it does not know."""

_ENDPOINTS: Final = "endpoint-rule-set-1.json"
_ENDPOINTS_OF_ALL: Final = "endpoints.json"


def prune(data: Path, called: Mapping[str, Iterable[str]] = CALLED) -> None:
    """Delete from botocore's folder `data` what `called` and READ do not name.

    These are services with their endpoints, versions, operations, shapes, and of the shapes in READ the other members.
    """
    prefixes = set()
    for service in [path for path in data.iterdir() if path.is_dir()]:
        if service.name in called:
            prefixes.add(_prune_service(service, frozenset(called[service.name])))
        else:
            shutil.rmtree(service)
    if (of_all := data / _ENDPOINTS_OF_ALL).exists():
        _prune_endpoints(of_all, frozenset(prefixes))


def _prune_endpoints(of_all: Path, prefixes: frozenset[str]) -> None:
    endpoints = _read(of_all)
    partitions = [{**one, "services": _only(one["services"], prefixes)} for one in endpoints["partitions"]]
    _write(of_all, {**endpoints, "partitions": partitions})


def _prune_service(service: Path, operations: frozenset[str]) -> str:
    """Returns the name by which the endpoints of all services list this one."""
    *old, newest = sorted(path for path in service.iterdir() if path.is_dir())
    model = _read(newest / "service-2.json")
    pagination = _read(newest / "paginators-1.json")["pagination"]
    endpoints = _read(newest / _ENDPOINTS)
    for version in [*old, newest]:
        shutil.rmtree(version)
    newest.mkdir()
    _write(newest / "service-2.json", _needed(service.name, model, operations))
    _write(newest / "paginators-1.json", {"pagination": _only(pagination, operations)})
    _write(newest / _ENDPOINTS, endpoints)
    return str(model["metadata"]["endpointPrefix"])


def _needed(service: str, model: Mapping[str, Any], operations: frozenset[str]) -> dict[str, Any]:
    """The model with these operations and the shapes that they lead to, without the documentation."""
    kept = _only(model["operations"], operations)
    read = READ.get(service, {})
    if missing := operations - kept.keys():
        raise KeyError(f"botocore knows no operation {', '.join(sorted(missing))} in this service.")
    shapes: dict[str, Any] = {}
    waiting = list(_shapes_named_in(kept))
    while waiting:
        name = waiting.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            if name in read:
                members = shapes[name]["members"]
                shapes[name] = {**shapes[name], "members": {member: members[member] for member in read[name]}}
            waiting += _shapes_named_in(shapes[name])
    needed: dict[str, Any] = _undocumented(
        {**model, "operations": kept, "shapes": dict(sorted(shapes.items()))}
    )
    return needed


def _shapes_named_in(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "shape" and isinstance(value, str):
                yield value
            else:
                yield from _shapes_named_in(value)
    elif isinstance(part, list):
        for value in part:
            yield from _shapes_named_in(value)


def _undocumented(part: Any) -> Any:
    if isinstance(part, dict):
        # A member of a shape may bear that name, too; it is no text.
        return {
            key: _undocumented(value)
            for key, value in part.items()
            if key != "documentation" or not isinstance(value, str)
        }
    return [_undocumented(value) for value in part] if isinstance(part, list) else part


def _only(named: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in named.items() if name in names}


def _read(path: Path) -> dict[str, Any]:
    packed = path.with_name(path.name + ".gz")
    content = gzip.decompress(packed.read_bytes()) if packed.exists() else path.read_bytes()
    read: dict[str, Any] = json.loads(content)
    return read


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, separators=(",", ":")))
