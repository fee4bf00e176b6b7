"""Faults on purpose: the next calls of an action are throttled, answered with an error, or delayed."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args
from urllib.parse import parse_qs

from local_aws.engine.ministack import Handler, Response, find

PATH: Final = "/_local/faults"
Answer = Literal["throttled", "error", "error_after", "slow"]
_ANSWERS: Final = get_args(Answer)


@dataclass(frozen=True)
class Fault:
    """What happens to the next `calls` calls of an action; an empty action or region stands for all of them.

    With `throttled` and `error` the service is not called. With `error_after` it does its work, but the caller gets an
    error, as when an answer is lost. With `slow` the call waits for `seconds` first.
    """

    service: str
    calls: int
    answer: Answer
    action: str = ""
    region: str = ""
    seconds: float = 0.0

    def matches(self, service: str, action: str, region: str) -> bool:
        return (
            self.calls > 0
            and self.service == service
            and self.action in ("", action)
            and self.region in ("", region)
        )


class Faults:
    """The faults that have not happened yet."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Add a fault; of several that match a call the first applies. ValueError when its answer is unknown."""
        if fault.answer not in _ANSWERS:
            raise ValueError(f"There is no fault {fault.answer!r}, only {', '.join(_ANSWERS)}.")
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._faults.clear()

    def install(self) -> None:
        """Put them between IAM and every service of MiniStack: a call that IAM denies meets no fault."""
        from ministack import app

        handlers = find(app, "SERVICE_HANDLERS")
        for service, handler in handlers.items():
            handlers[service] = self._with_faults(service, handler)

    def gateway(self, app: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        """The ASGI application with one more path, PATH: POST adds a fault, DELETE removes all.

        A POST that is no fault is answered with 400 and a sentence.
        """

        async def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
            if scope["type"] != "http" or scope["path"] != PATH:
                await app(scope, receive, send)
                return
            status, answer = 200, b"{}"
            try:
                if scope["method"] == "DELETE":
                    self.clear()
                else:
                    self.add(Fault(**json.loads(await _body(receive))))
            except (ValueError, TypeError) as error:
                status, answer = 400, str(error).encode()
            length = (b"content-length", str(len(answer)).encode())
            await send({"type": "http.response.start", "status": status, "headers": [length]})
            await send({"type": "http.response.body", "body": answer})

        return serve

    def _with_faults(self, service: str, handler: Handler) -> Handler:
        async def handle(method: str, path: str, headers: Any, body: bytes, query_params: Any) -> Response:
            from ministack.core.responses import get_region

            fault = self._take(service, _action(headers, body), get_region()) if self._faults else None
            if fault is None:
                return await handler(method, path, headers, body, query_params)
            if fault.answer == "slow":
                await asyncio.sleep(fault.seconds)
                return await handler(method, path, headers, body, query_params)
            if fault.answer == "error_after":
                await handler(method, path, headers, body, query_params)
            return _failure(service, throttled=fault.answer == "throttled")

        return handle

    def _take(self, service: str, action: str, region: str) -> Fault | None:
        """The first fault that matches this call, which counts as one of its calls."""
        with self._lock:
            for number, fault in enumerate(self._faults):
                if fault.matches(service, action, region):
                    self._faults[number] = replace(fault, calls=fault.calls - 1)
                    return fault
        return None


def _action(headers: Any, body: bytes) -> str:
    """The action of a JSON or Query call; "" for a REST call."""
    target = str(headers.get("x-amz-target", "")).rpartition(".")[2]
    return target or parse_qs(body.decode("latin-1")).get("Action", [""])[0]


def _failure(service: str, throttled: bool) -> Response:
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


async def _body(receive: Any) -> bytes:
    body = b""
    while True:
        message: dict[str, Any] = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body
