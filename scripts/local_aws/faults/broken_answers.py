"""Answers that are none, and the services' own errors."""

from __future__ import annotations

import json
from typing import Final

from local_aws.engine.ministack import Response

BREAK: Final = "x-local-break"
"""A header by which the gateway is told what to do with the connection; see `connections`."""

_PAGE: Final = (
    b"<!DOCTYPE html>\n<html><head><title>Maintenance</title></head>"
    b"<body><h1>We will be back soon</h1><p>The proxy has no upstream.</p></body></html>\n"
)


def service_error(service: str, *, throttled: bool) -> Response:
    """The error of a service that throttles, or that has failed inside."""
    from ministack.core import iam_actions

    message = "Rate exceeded" if throttled else "An internal error has occurred"
    protocol = iam_actions._SERVICE_PROTOCOL.get(service, "json")
    if protocol == "ec2-xml":
        code = "RequestLimitExceeded" if throttled else "InternalError"
        error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        body = f"<Response><Errors>{error}</Errors><RequestID>0</RequestID></Response>"
        return (503 if throttled else 500), {"Content-Type": "text/xml"}, body.encode()
    if protocol != "json":
        code = "Throttling" if throttled else "InternalFailure"
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        body = f"<ErrorResponse>{error}<RequestId>0</RequestId></ErrorResponse>"
        return (400 if throttled else 500), {"Content-Type": "text/xml"}, body.encode()
    code = "ThrottlingException" if throttled else "InternalServerError"
    body = json.dumps({"__type": code, "message": message})
    return (400 if throttled else 500), {"Content-Type": "application/x-amz-json-1.1"}, body.encode()


def page_of_a_proxy() -> Response:
    """Well-formed HTML with status 200, and no request id."""
    return 200, {"Content-Type": "text/html", BREAK: "bare"}, _PAGE


def nothing() -> Response:
    """Status 200 without a body or a request id."""
    return 200, {BREAK: "bare"}, b""


def silence(seconds: float) -> Response:
    """No answer for so long, then a broken connection."""
    return 200, {BREAK: f"silent {seconds}"}, b""


def broken_connection() -> Response:
    """No answer: the connection breaks."""
    return 200, {BREAK: "reset"}, b""


def truncated(response: Response) -> Response:
    """The connection breaks in the middle of the answer."""
    status, headers, body = response
    return status, {**headers, BREAK: "halfway"}, body


def cut(response: Response) -> Response:
    """The first half of an answer, sent as if it were all."""
    status, headers, body = response
    kept = {name: value for name, value in headers.items() if name.lower() != "content-length"}
    return status, kept, body[: len(body) // 2]
