"""The services' answers on the wire, in the shape of botocore's own model."""

from __future__ import annotations

import json
import marshal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from botocore.model import OperationModel, Shape

from tests.service_model import service_model, wrong_answer


@dataclass(frozen=True)
class Call:
    """One request as a service sees it; `parameters` are JSON, or the flat form of the query protocols."""

    service: str
    region: str
    operation: str
    parameters: Mapping[str, Any]

    @cached_property
    def filters(self) -> Mapping[str, Sequence[str]]:
        """EC2's, by name."""
        form, found = self.parameters, dict[str, Sequence[str]]()
        while (name := f"Filter.{len(found) + 1}") + ".Name" in form:
            found[form[f"{name}.Name"]] = tuple(listed(form, f"{name}.Value"))
        return found

    @cached_property
    def tags(self) -> tuple[tuple[str, Sequence[str]], ...]:
        """The keys and values of the filters by tags."""
        named = ((name.partition("tag:"), values) for name, values in self.filters.items())
        return tuple((key, values) for (other, tag, key), values in named if tag and not other)


@dataclass(frozen=True)
class Reply:
    """An answer's status, body and headers."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class NotSimulated(BaseException):
    """The cloud does not have what it is asked for, or not as AWS has it: no function may take it for an answer."""


class ServiceError(Exception):
    """An error that a service answers."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status
        self.more: Mapping[str, Any] = {}


def read_call(
    service: str,
    region: str,
    headers: Mapping[str, Any],
    body: bytes | str | Mapping[str, Any] | None,
    method: str = "POST",
    path: str = "/",
) -> Call:
    """The call in a request's headers and body, which may be a form that is not encoded yet."""
    if service == "scheduler":
        given = json.loads(body) if isinstance(body, bytes | str) and body else {}
        name = path.partition("?")[0].rpartition("/")[2]
        return Call(service, region, f"{_OF_SCHEDULES[method]}Schedule", {**given, "Name": name})
    if isinstance(body, Mapping):
        return Call(service, region, str(body["Action"]), {key: str(value) for key, value in body.items()})
    text = body.decode() if isinstance(body, bytes) else body or ""
    target = headers.get("X-Amz-Target")
    if target:
        name = target.decode() if isinstance(target, bytes) else str(target)
        return Call(service, region, name.rpartition(".")[2], json.loads(text or "{}"))
    form = dict(parse_qsl(text, keep_blank_values=True))
    return Call(service, region, form["Action"], form)


_OF_SCHEDULES: Final = {"POST": "Create", "PUT": "Update", "GET": "Get", "DELETE": "Delete"}


def listed(form: Mapping[str, Any], prefix: str) -> list[str]:
    """The values of `Prefix.1`, `Prefix.2` and so on."""
    values: list[str] = []
    while (key := f"{prefix}.{len(values) + 1}") in form:
        values.append(str(form[key]))
    return values


def answer(call: Call, value: dict[str, Any], request_id: str) -> Reply:
    """A good answer; times in `value` are seconds since 1970.

    Raises:
        NotSimulated: the service never answers so, by botocore's model.
    """
    key = (call.service, call.operation, request_id, marshal.dumps(value, 2))
    reply = _WRITTEN.get(key)
    if reply is None:
        if len(_WRITTEN) >= _MOST_WRITTEN:
            _WRITTEN.clear()
        reply = _WRITTEN[key] = _written(call, value, request_id)
    return reply


# Polls hear the same again and again; checking it and writing it down takes longer than all else here.
_WRITTEN: Final[dict[tuple[str, str, str, bytes], Reply]] = {}
_MOST_WRITTEN: Final = 4_000


def _written(call: Call, value: Mapping[str, Any], request_id: str) -> Reply:
    model = service_model(call.service)
    operation = model.operation_model(call.operation)
    _demand_right(operation, value)
    headers = {"x-amzn-RequestId": request_id}
    if model.metadata["protocol"] in ("json", "rest-json", "smithy-rpc-v2-cbor"):
        return Reply(200, json.dumps(value).encode("utf-8", "surrogatepass"), headers)
    inner = "".join(_members(operation.output_shape, value)) if operation.output_shape else ""
    if model.metadata["protocol"] == "ec2":
        inner = f"<requestId>{request_id}</requestId>{inner}"
    else:
        inner = (
            f"<{call.operation}Result>{inner}</{call.operation}Result>"
            f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        )
    name = f"{call.operation}Response"
    return Reply(200, f"<{name}>{inner}</{name}>".encode(), headers)


def _demand_right(operation: OperationModel, value: Mapping[str, Any]) -> None:
    wrong = wrong_answer(operation, value, on_the_wire=True)
    if wrong:
        raise NotSimulated("\n".join(wrong))


def refusal(call: Call, error: ServiceError, request_id: str) -> Reply:
    """An error as the service's protocol writes it."""
    headers = {"x-amzn-RequestId": request_id}
    protocol = service_model(call.service).metadata["protocol"]
    code, message = escape(error.code), escape(error.message)
    if protocol == "ec2":
        one = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        body = f"<Response><Errors>{one}</Errors><RequestID>{request_id}</RequestID></Response>"
    elif protocol == "query":
        one = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        body = f"<ErrorResponse>{one}<RequestId>{request_id}</RequestId></ErrorResponse>"
    else:
        body = json.dumps({"__type": error.code, "message": error.message, **error.more})
        headers["x-amzn-ErrorType"] = error.code
    return Reply(error.status, body.encode(), headers)


def _members(shape: Shape, value: Mapping[str, Any]) -> Iterator[str]:
    members: Mapping[str, Shape] = shape.members  # type: ignore[attr-defined]
    for name, inner in value.items():
        yield from _element(members[name], members[name].serialization.get("name", name), inner)


def _element(shape: Shape, name: str, value: Any) -> Iterator[str]:
    if shape.type_name == "structure":
        yield f"<{name}>{''.join(_members(shape, value))}</{name}>"
    elif shape.type_name == "list":
        member: Shape = shape.member  # type: ignore[attr-defined]
        inner = member.serialization.get("name", "member")
        items = "".join(text for one in value for text in _element(member, inner, one))
        yield f"<{name}>{items}</{name}>"
    else:
        yield f"<{name}>{escape(_text(shape, value))}</{name}>"


def _text(shape: Shape, value: Any) -> str:
    if shape.type_name == "timestamp":
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return str(value).lower() if isinstance(value, bool) else str(value)
