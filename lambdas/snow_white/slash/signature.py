"""Whether a request really comes from Slack, now: its size, its age and its signature.

What Slack signs and how: https://docs.slack.dev/authentication/verifying-requests-from-slack
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

# A command and all that Slack says about it is about 1 KB.
MOST_BYTES: Final = 16_384
_MOST_BASE64: Final = 4 * -(-MOST_BYTES // 3)
# slack_sdk's verifier raises on what is no number and on a signature that is no ASCII.
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")
_SIGNATURE: Final = re.compile(r"v0=[0-9a-f]{64}")
_FRESH_SECONDS: Final = 300


class Refused(Exception):
    """The request is not carried out; `status` is the HTTP answer, the sentence is for the log only."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class SignedRequest:
    """A request of the right size and age that has a signature, which `verify` has yet to confirm."""

    body: str
    timestamp: str
    signature: str

    @classmethod
    def read(cls, event: Mapping[str, object], clock: Clock | None = None) -> SignedRequest:
        """Take it from the event of a function URL (payload format 2.0, header names in lower case).

        Raises Refused for everything that can be known without the signing secret: 405 for anything but POST, 413
        for a body over MOST_BYTES, 400 for one that is no text, 401 for headers that are missing, malformed or stale.
        """
        if _method(event) != "POST":
            raise Refused(405, "Slack's commands come by POST.")
        body = _body(event)
        headers = event.get("headers")
        given = headers if isinstance(headers, Mapping) else {}
        timestamp = str(given.get("x-slack-request-timestamp", ""))
        signature = str(given.get("x-slack-signature", ""))
        if not _TIMESTAMP.fullmatch(timestamp) or not _SIGNATURE.fullmatch(signature):
            raise Refused(401, "The headers with Slack's timestamp and signature are missing or malformed.")
        if abs((clock or Clock()).now() - int(timestamp)) > _FRESH_SECONDS:
            raise Refused(401, f"The request is stale: it was signed at {timestamp}.")
        return cls(body, timestamp, signature)

    def verify(self, signing_secret: str, clock: Clock | None = None) -> None:
        """Raise Refused(401) unless the app's signing secret made the signature, no longer than 5 minutes ago."""
        verifier = SignatureVerifier(signing_secret, clock or Clock())
        if not verifier.is_valid(self.body, self.timestamp, self.signature):
            raise Refused(401, "The signature is not that of the Slack app.")

    @property
    def name(self) -> str:
        """A name that this request has, and its replays have, and no other: the signature covers time and content."""
        return f"slack-{hashlib.sha256(self.signature.encode()).hexdigest()[:40]}"


def _method(event: Mapping[str, object]) -> object:
    context = event.get("requestContext")
    http = context.get("http") if isinstance(context, Mapping) else None
    return http.get("method") if isinstance(http, Mapping) else None


def _body(event: Mapping[str, object]) -> str:
    text = event.get("body") or ""
    if not isinstance(text, str):
        raise Refused(400, "The body is no text.")
    encoded = bool(event.get("isBase64Encoded"))
    if len(text) > (_MOST_BASE64 if encoded else MOST_BYTES):
        raise Refused(413, f"The body has more than {MOST_BYTES} bytes.")
    try:
        content = base64.b64decode(text, validate=True) if encoded else text.encode()
        if len(content) > MOST_BYTES:
            raise Refused(413, f"The body has more than {MOST_BYTES} bytes.")
        return content.decode()
    except (binascii.Error, ValueError) as error:
        raise Refused(400, f"The body is no text: {error}.") from error
