"""The switchboard inside the server: one more path of the gateway, which turns faults on and off."""

from __future__ import annotations

import json
from typing import Any

from local_aws.code_pipeline import CodePipeline
from local_aws.faults.calls import CallFaults
from local_aws.faults.connections import Application, breaking
from local_aws.faults.events import EventFaults
from local_aws.faults.functions import FunctionFaults
from local_aws.faults.hosts import HostFaults
from local_aws.faults.rules import PATH, CallFault, EventFault, FunctionFault


class FaultControl:
    """All faults of a local AWS. POST adds one, DELETE removes all, GET answers what happened so far."""

    def __init__(self, hosts: HostFaults, code_pipeline: CodePipeline) -> None:
        self._calls = CallFaults()
        self._functions = FunctionFaults()
        self._events = EventFaults()
        self._hosts = hosts
        self._code_pipeline = code_pipeline

    def install(self) -> None:
        """Hook the services, the functions and EventBridge."""
        self._calls.install()
        self._functions.install()
        self._events.install()

    def gateway(self, app: Application) -> Application:
        """The ASGI application with the switchboard's path. A POST that is no fault gets 400 and a sentence."""
        inner = breaking(app)

        async def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
            if scope["type"] != "http" or scope["path"] != PATH:
                await inner(scope, receive, send)
                return
            status, answer = 200, b"{}"
            try:
                answer = self._serve(scope["method"], await _body(receive))
            except (ValueError, TypeError, KeyError) as error:
                status, answer = 400, str(error.args[0] if error.args else error).encode()
            length = (b"content-length", str(len(answer)).encode())
            await send({"type": "http.response.start", "status": status, "headers": [length]})
            await send({"type": "http.response.body", "body": answer})

        return serve

    def _serve(self, method: str, body: bytes) -> bytes:
        if method == "GET":
            rules = (self._calls.rules, self._functions.rules, self._events.rules)
            return json.dumps([one for each in rules for one in each.happened]).encode()
        if method == "DELETE":
            self._calls.clear()
            self._functions.rules.clear()
            self._events.rules.clear()
            self._hosts.clear()
        else:
            self._turn_on(**json.loads(body))
        return b"{}"

    def _turn_on(self, what: str, **arguments: Any) -> None:
        match what:
            case "call":
                self._calls.rules.add(CallFault(**arguments))
            case "function":
                self._functions.rules.add(FunctionFault(**arguments))
            case "event":
                self._events.rules.add(EventFault(**arguments))
            case "throttling":
                self._calls.throttle_like_aws(**arguments)
            case "lists":
                self._hosts.lists(**arguments)
            case "pipeline_ends":
                self._code_pipeline.end(**arguments)
            case _:
                self._hosts.apply(what, arguments)


async def _body(receive: Any) -> bytes:
    body = b""
    while True:
        message: dict[str, Any] = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body
