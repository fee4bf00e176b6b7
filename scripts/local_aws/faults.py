"""Making services fail on purpose: the next calls of an action are throttled, answered with an error, or late."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args
from urllib.parse import parse_qs

PATH: Final = "/_local/faults"
Answer = Literal["throttled", "error", "error_after", "slow"]
Response = tuple[int, dict[str, str], bytes]
Handler = Callable[..., Awaitable[Response]]
_ANSWERS: Final = get_args(Answer)


@dataclass(frozen=True)
class Fault:
    """What happens to the next `calls` calls of an action; an empty action or region means every one.

    `throttled` and `error` answer instead of the service, `error_after` lets it do its work and then answers with
    an error, as when an answer gets lost, and `slow` answers `seconds` later.
    """

    service: str
    calls: int
    answer: Answer
    action: str = ""
    region: str = ""
    seconds: float = 0.0

    def meets(self, service: str, action: str, region: str) -> bool:
        return (
            self.calls > 0
            and self.service == service
            and self.action in ("", action)
            and self.region in ("", region)
        )


class Faults:
    """The faults that are still to come."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Let calls fail from now on; several faults are used up one after the other."""
        if fault.answer not in _ANSWERS:
            raise ValueError(f"There is no fault {fault.answer!r}, only {', '.join(_ANSWERS)}.")
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Let everything work again."""
        with self._lock:
            self._faults.clear()

    def install(self) -> None:
        """Put them between MiniStack and all of its services; after IAM, which nothing here gets around."""
        from ministack import app

        for service, handler in app.SERVICE_HANDLERS.items():
            app.SERVICE_HANDLERS[service] = self._between(service, handler)

    def gateway(self, app: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        """The ASGI application with one path more: POST a fault to it, or DELETE all.

        The answer to what is no fault is a 400 with a sentence.
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

    def _between(self, service: str, handler: Handler) -> Handler:
        async def handle(method: str, path: str, headers: Any, body: bytes, query_params: Any) -> Response:
            from ministack.core.responses import get_region

            fault = self._next(service, _action(headers, body), get_region()) if self._faults else None
            if fault is None:
                return await handler(method, path, headers, body, query_params)
            if fault.answer == "slow":
                await asyncio.sleep(fault.seconds)
                return await handler(method, path, headers, body, query_params)
            if fault.answer == "error_after":
                await handler(method, path, headers, body, query_params)
            return _failure(service, throttled=fault.answer == "throttled")

        return handle

    def _next(self, service: str, action: str, region: str) -> Fault | None:
        """The first fault that meets this call, which uses it up by one."""
        with self._lock:
            for number, fault in enumerate(self._faults):
                if fault.meets(service, action, region):
                    self._faults[number] = replace(fault, calls=fault.calls - 1)
                    return fault
        return None


def _action(headers: Any, body: bytes) -> str:
    """The action of a JSON or Query call; those of REST services have none here."""
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
