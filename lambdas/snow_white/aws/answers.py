"""What makes the answers of AWS quick to read: a fleet of 10,000 instances is 50 MB of XML, and reading it is most of
the work of a run's start.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, Final

from botocore.session import Session
from botocore.utils import parse_timestamp

_UNREAD: Final = (
    b"networkInterfaceSet",
    b"blockDeviceMapping",
    b"groupSet",
    b"placement",
    b"metadataOptions",
    b"privateDnsNameOptions",
)
"""Of an instance in EC2's XML, the largest elements that nobody reads. Outermost first: some contain others."""


def read_quickly(session: Session) -> None:
    """Let the clients that the session makes from now on read times quickly."""
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=read_time)


def read_time(value: str | float) -> datetime:
    """A time as botocore reads it, which tries many formats at length. The usual ones are read at once."""
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        if value.endswith("Z"):
            return datetime.fromisoformat(value)
    except (ValueError, OverflowError, OSError):
        pass
    read: datetime = parse_timestamp(value)  # type: ignore[arg-type]
    return read


def leave_out_unread(response_dict: MutableMapping[str, Any], **_: object) -> None:
    """Cut what nobody reads out of an answer to DescribeInstances, half of it, before it is parsed.

    To be registered for botocore's event `before-parse`. Texts cannot contain a tag, because XML escapes them.
    """
    body = response_dict["body"]
    for name in _UNREAD:
        body = _without(body, name)
    response_dict["body"] = body


def _without(body: bytes, name: bytes) -> bytes:
    """The XML without the elements of that name; as it is if one of them does not end, so that the parser says so."""
    kept, *rest = body.split(b"<%b>" % name)
    parts = [part.partition(b"</%b>" % name) for part in rest]
    if not all(ending for _, ending, _ in parts):
        return body
    return kept + b"".join(after for _, _, after in parts)
