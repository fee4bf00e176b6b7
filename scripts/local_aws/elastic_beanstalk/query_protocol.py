"""AWS's query protocol on the server's side, as far as Elastic Beanstalk uses it: form parameters in, XML out."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element, SubElement, tostring

from local_aws.engine.ministack import Response
from local_aws.engine.service_error import ServiceError

NAMESPACE = "http://elasticbeanstalk.amazonaws.com/docs/2010-12-01/"
Value = str | int | bool | datetime | None | Sequence["Value"] | Mapping[str, "Value"]


@dataclass(frozen=True)
class Request:
    """A call's parameters by their flat names (`OptionSettings.member.1.Value`)."""

    parameters: Mapping[str, str]

    @classmethod
    def read(cls, body: bytes | str, query: Mapping[str, list[str] | str]) -> Request:
        """From the form in the body; a GET has them in the query string."""
        text = body.decode() if isinstance(body, bytes) else body
        given = {
            name: value if isinstance(value, str) else value[0] for name, value in query.items() if value
        }
        return cls({**given, **dict(parse_qsl(text, keep_blank_values=True))})

    @property
    def action(self) -> str:
        return self.parameters.get("Action", "")

    def text(self, name: str) -> str | None:
        """A parameter, or None when it is missing or empty."""
        return self.parameters.get(name) or None

    def required(self, name: str) -> str:
        """A parameter; ServiceError ValidationError when it is missing."""
        value = self.text(name)
        if value is None:
            field = name[0].lower() + name[1:]
            raise ServiceError(
                "ValidationError",
                "1 validation error detected: "
                f"Value null at '{field}' failed to satisfy constraint: Member must not be null",
            )
        return value

    def flag(self, name: str, default: bool) -> bool:
        value = self.text(name)
        return default if value is None else value.lower() == "true"

    def moment(self, name: str) -> datetime | None:
        """A timestamp parameter; without an offset it is in UTC."""
        value = self.text(name)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise ServiceError("MalformedInput", f"{name} is not a timestamp: {value}") from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def texts(self, name: str) -> list[str]:
        """The members of a list of strings."""
        return [member[""] for member in self._members(name)]

    def structures(self, name: str) -> list[Mapping[str, str]]:
        """The members of a list of structures, each by its own flat names."""
        return [
            {field.lstrip("."): value for field, value in member.items()} for member in self._members(name)
        ]

    def _members(self, name: str) -> list[dict[str, str]]:
        prefix = f"{name}.member."
        members: dict[int, dict[str, str]] = {}
        for flat, value in self.parameters.items():
            if flat.startswith(prefix):
                number, dot, field = flat[len(prefix) :].partition(".")
                members.setdefault(int(number), {})[dot + field] = value
        return [members[number] for number in sorted(members)]


def answer(action: str, result: Mapping[str, Value]) -> Response:
    """A successful call's response."""
    root = Element(f"{action}Response", xmlns=NAMESPACE)
    _render(SubElement(root, f"{action}Result"), result)
    SubElement(SubElement(root, "ResponseMetadata"), "RequestId").text = str(uuid.uuid4())
    return 200, {"Content-Type": "text/xml"}, tostring(root, encoding="utf-8", xml_declaration=True)


def refusal(error: ServiceError) -> Response:
    """A refused call's response."""
    root = Element("ErrorResponse", xmlns=NAMESPACE)
    _render(SubElement(root, "Error"), {"Type": "Sender", "Code": error.code, "Message": error.message})
    SubElement(root, "RequestId").text = str(uuid.uuid4())
    return 400, {"Content-Type": "text/xml"}, tostring(root, encoding="utf-8", xml_declaration=True)


def _render(parent: Element, value: Value) -> None:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if inner is not None:
                _render(SubElement(parent, name), inner)
    elif isinstance(value, bool):
        parent.text = str(value).lower()
    elif isinstance(value, datetime):
        parent.text = value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value:
            _render(SubElement(parent, "member"), inner)
    else:
        parent.text = str(value)
