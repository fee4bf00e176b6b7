"""Verifying that a request comes from Slack: its size, its age and its signature.

How Slack signs requests: https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from slack_sdk.signature import Clock, SignatureVerifier

# A slash command has about 1 KB; the press of a button brings the whole message.
MAX_BYTES: Final = 262_144
_MAX_BASE64: Final = 4 * -(-MAX_BYTES // 3)
# slack_sdk's verifier raises an error for a timestamp that is not a number and for a signature that is not ASCII.
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")
_SIGNATURE: Final = re.compile(r"v0=[0-9a-f]{64}")
_MAX_AGE_SECONDS: Final = 300


class Refused(Exception):
    """The request is refused. `status` is the HTTP status of the answer; the message is for the log only."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class SignedRequest:
    """A request whose size and age are valid. Its signature is unverified until `verify` returns."""

    body: str
    timestamp: str
    signature: str

    @classmethod
    def read(cls, event: Mapping[str, object], clock: Clock | None = None) -> SignedRequest:
        """Read the event of a function URL (payload format 2.0, header names in lower case).

        Raises Refused for what can be checked without the signing secret: 405 for another method than POST, 413 for
        a body above MAX_BYTES, 400 for a body that is not text, 401 for headers that are missing, malformed or stale.
        """
        if _method(event) != "POST":
            raise Refused(405, "The method is not POST.")
        body = _body(event)
        headers = event.get("headers")
        given = headers if isinstance(headers, Mapping) else {}
        timestamp = str(given.get("x-slack-request-timestamp", ""))
        signature = str(given.get("x-slack-signature", ""))
        if not _TIMESTAMP.fullmatch(timestamp) or not _SIGNATURE.fullmatch(signature):
            raise Refused(401, "The headers with Slack's timestamp and signature are missing or malformed.")
        if abs((clock or Clock()).now() - int(timestamp)) > _MAX_AGE_SECONDS:
            raise Refused(401, f"The request is stale: it was signed at {timestamp}.")
        return cls(body, timestamp, signature)

    def verify(self, signing_secret: str, clock: Clock | None = None) -> None:
        """Raise Refused(401) unless the signature was made with the app's signing secret in the last 5 minutes."""
        verifier = SignatureVerifier(signing_secret, clock or Clock())
        if not verifier.is_valid(self.body, self.timestamp, self.signature):
            raise Refused(401, "The signature is not that of the Slack app.")

    @property
    def name(self) -> str:
        """An execution name that is unique to this request and its replays: the signature covers time and content."""
        return f"slack-{hashlib.sha256(self.signature.encode()).hexdigest()[:40]}"


def _method(event: Mapping[str, object]) -> object:
    context = event.get("requestContext")
    http = context.get("http") if isinstance(context, Mapping) else None
    return http.get("method") if isinstance(http, Mapping) else None


def _body(event: Mapping[str, object]) -> str:
    text = event.get("body") or ""
    if not isinstance(text, str):
        raise Refused(400, "The body is not text.")
    encoded = bool(event.get("isBase64Encoded"))
    if len(text) > (_MAX_BASE64 if encoded else MAX_BYTES):
        raise Refused(413, f"The body has more than {MAX_BYTES} bytes.")
    try:
        content = base64.b64decode(text, validate=True) if encoded else text.encode()
        if len(content) > MAX_BYTES:
            raise Refused(413, f"The body has more than {MAX_BYTES} bytes.")
        return content.decode()
    except (binascii.Error, ValueError) as error:
        raise Refused(400, f"The body is not text: {error}.") from error
