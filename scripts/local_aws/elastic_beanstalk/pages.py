"""The pages of DescribeEnvironments."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Final

from local_aws.elastic_beanstalk.query_protocol import Request, Value
from local_aws.engine.service_error import ServiceError

_LONGEST_PAGE: Final = 1000


def page_of(items: Sequence[Value], request: Request) -> tuple[Sequence[Value], str | None]:
    """The page that the request asks for, and the token of the next one; all items when it asks for none.

    Raises ServiceError for a MaxRecords out of range, or a NextToken that is not one.
    """
    token, limit = request.text("NextToken"), request.text("MaxRecords")
    if limit is None and token is None:
        return items, None
    size = int(limit) if limit else _LONGEST_PAGE
    if not 1 <= size <= _LONGEST_PAGE:
        bound = "greater than or equal to 1" if size < 1 else f"less than or equal to {_LONGEST_PAGE}"
        raise ServiceError(
            "ValidationError",
            f"1 validation error detected: Value '{size}' at 'maxRecords' failed to satisfy constraint: "
            f"Member must have value {bound}",
        )
    begin = _read_token(token) if token else 0
    has_more = len(items) > begin + size
    return items[begin : begin + size], _token(begin + size) if has_more else None


def _token(begin: int) -> str:
    return base64.urlsafe_b64encode(f"from {begin}".encode()).decode()


def _read_token(token: str) -> int:
    try:
        word, number = base64.urlsafe_b64decode(token).decode().split()
        if word == "from":
            return int(number)
    except (ValueError, binascii.Error):
        pass
    raise ServiceError("InvalidParameterValue", f"Invalid NextToken: {token}")
