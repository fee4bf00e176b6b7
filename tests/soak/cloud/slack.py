"""Slack, as slack_sdk's client stands before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.web import SlackResponse

from tests.soak.cloud.clock import SimulatedClock

NAMED_CHANNEL: Final = "C0SOAK"
"""The channel that the requests name."""
DEFAULT_CHANNEL: Final = "C0TEAM"
"""That of the settings."""
_NO_JSON: Final = "Received a response in a non-JSON format: <html><body>Service Unavailable</body></html>"


class Fault(Protocol):
    @property
    def kind(self) -> str: ...

    @property
    def start(self) -> float: ...

    @property
    def seconds(self) -> float: ...


@dataclass
class Answer:
    """Of a call that went well."""

    data: dict[str, Any]


@dataclass
class Slack:
    """Takes messages; `posts` and `replies` have those that it took and said so, with the time; `texts` all words."""

    clock: SimulatedClock
    faults: Sequence[Fault]
    posts: list[tuple[float, str]] = field(default_factory=list)
    replies: list[tuple[float, str]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def chat_postMessage(self, **message: Any) -> Answer:
        kind = self._fault()
        self._refuse(kind, str(message["channel"]))
        self._lose(kind)
        self.texts.append(str(message))
        place, now = str(message["channel"]), self.clock.now
        (self.replies if "thread_ts" in message else self.posts).append((now, place))
        return Answer({"channel": place, "ts": f"{now:.6f}"})

    def chat_update(self, **message: Any) -> Answer:
        kind = self._fault()
        if kind == "message_not_found":
            raise _refusal(kind)
        self._refuse(kind, str(message["channel"]))
        self._lose(kind)
        self.texts.append(str(message))
        return Answer({"channel": message["channel"], "ts": message["ts"]})

    def _fault(self) -> str:
        self.clock.sleep(0.2)
        elapsed = self.clock.elapsed
        return next((one.kind for one in self.faults if one.start <= elapsed < one.start + one.seconds), "")

    def _refuse(self, kind: str, channel: str) -> None:
        if kind in ("ratelimited", "invalid_auth"):
            raise _refusal(kind)
        if kind == "no-channels" or (kind == "channel_not_found" and channel == NAMED_CHANNEL):
            raise _refusal("channel_not_found")
        if kind == "server-error":
            raise _refusal(_NO_JSON, status=503)
        if kind == "down":
            self.clock.sleep(30)
            raise SlackRequestError("Slack is down")

    def _lose(self, kind: str) -> None:
        if kind == "lost-answer":
            raise SlackRequestError("The connection was reset")


def _refusal(error: str, status: int = 200) -> SlackApiError:
    """As slack_sdk raises it: for a page that is no JSON the error is a sentence of its own."""
    status = 429 if error == "ratelimited" else status
    response = SlackResponse(
        client=None,
        http_verb="POST",
        api_url="https://slack.com/api/",
        req_args={},
        data={"ok": False, "error": error},
        headers={},
        status_code=status,
    )
    return SlackApiError(error, response)  # type: ignore[no-untyped-call]
