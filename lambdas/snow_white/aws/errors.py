"""Which errors of AWS and of the network are transient, which stay, and which answers are not from AWS at all."""

from __future__ import annotations

from collections.abc import Mapping
from traceback import walk_tb
from typing import Any, Final

from botocore.awsrequest import AWSResponse
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    IncompleteReadError,
    PaginationError,
)
from botocore.parsers import ResponseParserError

# What the services call it when they throttle; botocore retries most of them, a few times.
THROTTLING_CODES: Final = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "PriorRequestNotComplete",
    }
)
NETWORK_ERRORS: Final = (ConnectionError, HTTPClientError, IncompleteReadError)

_OTHER_TRANSIENT_CODES: Final = frozenset(
    {
        "RequestTimeout",
        "InternalServerError",
        "InternalFailure",
        "InternalError",
        # A page's token expires when the pages before it took long.
        "InvalidNextToken",
        "InvalidPaginationToken",
        "ServiceUnavailable",
        "Unavailable",
    }
)
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500


def code_of(error: ClientError) -> str:
    """The error's name, such as ExecutionDoesNotExist; "" when the answer has none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def http_status_of(error: ClientError) -> int:
    """0 when the answer has none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def is_throttled(error: ClientError) -> bool:
    """Whether the service refused the call only because there were too many."""
    return code_of(error) in THROTTLING_CODES or http_status_of(error) == _TOO_MANY_REQUESTS


def is_transient(error: ClientError) -> bool:
    """Whether the same call may succeed later: throttled, timed out, or failed inside the service."""
    return (
        is_throttled(error)
        or code_of(error) in _OTHER_TRANSIENT_CODES
        or http_status_of(error) >= _SERVER_ERROR
    )


class UnreadableAnswer(Exception):
    """Something between here and AWS answered in its place: a proxy, or a page that says to log in."""


def demand_whole_answer(
    parsed: Mapping[str, Any], http_response: AWSResponse | None = None, **_: object
) -> None:
    """Raise UnreadableAnswer for JSON that is cut off, and for an answer without a request id, which AWS always sends.

    To be registered for botocore's event `after-call`. botocore reads both, and a page of HTML, as an
    answer without content, which would mean that there are no instances, or no commands.
    """
    body = http_response.content.strip() if http_response is not None else b""
    if body.startswith(b"{") and not body.endswith(b"}"):
        raise UnreadableAnswer("the answer is cut off")
    metadata = parsed.get("ResponseMetadata", {})
    if metadata.get("HTTPStatusCode", _SERVER_ERROR) < _SERVER_ERROR and not metadata.get("RequestId"):
        raise UnreadableAnswer("the answer has no request id, so it is not from AWS")


def is_unreadable(error: Exception) -> bool:
    """Whether an answer could not be read.

    botocore raises PaginationError for a page that leads to itself. Where an answer lacks what its parsers look for,
    or has another type, they end with KeyError, AttributeError or whatever Python raises.
    """
    if isinstance(error, UnreadableAnswer | ResponseParserError | PaginationError):
        return True
    return not isinstance(error, ClientError | BotoCoreError) and _raised_while_parsing(error)


def call_failed(error: Exception) -> bool:
    """Whether a call of AWS failed: refused, unanswered or unreadable. Any other error is one of our own making."""
    return isinstance(error, ClientError | BotoCoreError) or is_unreadable(error)


def _raised_while_parsing(error: Exception) -> bool:
    frames = (frame for frame, _ in walk_tb(error.__traceback__))
    return any(frame.f_globals.get("__name__") == "botocore.parsers" for frame in frames)
