"""Slash commands and presses of buttons as Slack sends them: a form, signed with the app's signing secret."""

from __future__ import annotations

import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from slack_sdk.signature import SignatureVerifier

SIGNING_SECRET: Final = "8f742231b10e8888abcd99yyyzzz85a5"  # noqa: S105  # of no real app
_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Reply:
    """What the command's URL answered; `text` is what Slack shows to the person, "" for an empty answer."""

    status: int
    body: str
    seconds: float

    @property
    def text(self) -> str:
        return str(json.loads(self.body)["text"]) if self.body else ""


def form(text: str, user: str, channel: str, **other: str) -> str:
    """The form for a person who types `/snow-white TEXT` in a channel, with a trigger id of its own each time."""
    fields = {
        "token": "deprecated",
        "team_id": "T0LOCAL",
        "team_domain": "local",
        "channel_id": channel,
        "channel_name": "somewhere",
        "user_id": user,
        "user_name": "somebody",
        "command": "/snow-white",
        "text": text,
        "api_app_id": "A0LOCAL",
        "is_enterprise_install": "false",
        "response_url": "http://127.0.0.1/commands/T0LOCAL/1/a",
        "trigger_id": secrets.token_hex(16),
    }
    return urlencode({**fields, **other})


def buttons(message: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The buttons of a recorded message, by their labels."""
    groups = [message.get("blocks", []), *(one.get("blocks", []) for one in message.get("attachments", []))]
    elements = [one for blocks in groups for block in blocks for one in block.get("elements", [])]
    return {one["text"]["text"]: one for one in elements if one.get("type") == "button"}


def press(button: Mapping[str, Any], user: str, channel: str, response_url: str, /, **other: Any) -> str:
    """The form for a person who presses a button of a message that was posted with attachments."""
    payload = {
        "type": "block_actions",
        "user": {"id": user, "username": "somebody", "name": "somebody", "team_id": "T0LOCAL"},
        "api_app_id": "A0LOCAL",
        "token": "deprecated",
        "container": {"type": "message_attachment", "message_ts": "1.000001", "channel_id": channel},
        "trigger_id": secrets.token_hex(16),
        "team": {"id": "T0LOCAL", "domain": "local"},
        "channel": {"id": channel, "name": "somewhere"},
        "response_url": response_url,
        "actions": [{**button, "block_id": "b1", "action_ts": "1.000002"}],
    }
    return urlencode({"payload": json.dumps({**payload, **other})})


def signed(body: str, secret: str = SIGNING_SECRET, at: float | None = None) -> dict[str, str]:
    """The headers that Slack sends with the body."""
    timestamp = str(int(time.time() if at is None else at))
    signature = SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body)
    assert signature is not None
    return {"Content-Type": _FORM, "X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature}


def send(
    endpoint: str, function_url: str, body: str | bytes, headers: dict[str, str], method: str = "POST"
) -> Reply:
    """Send it to a function URL of the local AWS, which finds the function by the Host header."""
    request = urllib.request.Request(  # noqa: S310  # our own server on 127.0.0.1
        endpoint,
        data=body.encode() if isinstance(body, str) else body,
        headers={**headers, "Host": urlsplit(function_url).netloc},
        method=method,
    )
    started = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
            return _reply(answer, started)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return _reply(refusal, started)


def _reply(answer: Any, started: float) -> Reply:
    body = answer.read().decode()
    return Reply(answer.status, body, time.monotonic() - started)
