"""The gateway's part: connections that break or stay silent, and answers without AWS's headers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from local_aws.engine.ministack import MissingTarget
from local_aws.faults.broken_answers import BREAK

Application = Callable[..., Awaitable[None]]


def breaking(app: Application) -> Application:
    """The ASGI application; it does to a connection what the header BREAK of an answer says.

    `bare`: the answer is sent without the headers that AWS gives to each. `halfway`: the connection breaks in the
    middle of the body. `reset`: it breaks before the answer. `silent SECONDS`: it breaks after so long.
    """

    async def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        broken = halfway = False

        async def send_or_break(message: dict[str, Any]) -> None:
            nonlocal broken, halfway
            if broken:
                return
            if message["type"] == "http.response.start":
                what, _, seconds = _break(message).partition(" ")
                halfway = what == "halfway"
                if what == "bare":
                    message = {**message, "headers": [each for each in message["headers"] if _is_plain(each)]}
                elif what and not halfway:
                    broken = True
                    await asyncio.sleep(float(seconds or 0))
                    await _close(send)
                    return
            elif halfway:
                broken = True
                body = message.get("body", b"")
                await send({**message, "body": body[: len(body) // 2], "more_body": True})
                await _close(send)
                return
            await send(message)

        await app(scope, receive, send_or_break)

    return serve


def _break(message: dict[str, Any]) -> str:
    for name, value in message["headers"]:
        if bytes(name).lower() == BREAK.encode():
            return bytes(value).decode()
    return ""


def _is_plain(header: tuple[bytes, bytes]) -> bool:
    return bytes(header[0]).lower() in (b"content-length", b"content-type")


async def _close(send: Any) -> None:
    """Close the connection that hypercorn's `send` belongs to, without an answer."""
    from hypercorn.protocol.events import StreamClosed

    stream: Any = getattr(send, "__self__", None)
    if not hasattr(stream, "stream_id"):
        raise MissingTarget("hypercorn's send is no method of a stream: it is not the pinned version.")
    await stream.send(StreamClosed(stream_id=stream.stream_id))
