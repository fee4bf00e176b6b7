"""Which errors of AWS and of the network are transient, and which stay."""

from __future__ import annotations

from typing import Final

from botocore.exceptions import (
    ClientError,
    ConnectionError,
    HTTPClientError,
    IncompleteReadError,
)

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
