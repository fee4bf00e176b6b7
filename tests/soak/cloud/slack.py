"""Slack, as slack_sdk's client stands before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from slack_sdk.errors import SlackApiError, SlackRequestError

from tests.soak.cloud.clock import SimulatedClock


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
    """Takes messages; `posts` and `replies` have those that it took and said so, with the time."""

    clock: SimulatedClock
    faults: Sequence[Fault]
    posts: list[tuple[float, str]] = field(default_factory=list)
    replies: list[tuple[float, str]] = field(default_factory=list)

    def chat_postMessage(self, **message: Any) -> Answer:
        kind = self._fault()
        self._refuse(kind)
        self._lose(kind)
        place, now = str(message["channel"]), self.clock.now
        (self.replies if "thread_ts" in message else self.posts).append((now, place))
        return Answer({"channel": place, "ts": f"{now:.6f}"})

    def chat_update(self, **message: Any) -> Answer:
        kind = self._fault()
        if kind == "message_not_found":
            raise _refusal(kind)
        self._refuse(kind)
        self._lose(kind)
        return Answer({"channel": message["channel"], "ts": message["ts"]})

    def _fault(self) -> str:
        self.clock.sleep(0.2)
        elapsed = self.clock.elapsed
        return next((one.kind for one in self.faults if one.start <= elapsed < one.start + one.seconds), "")

    def _refuse(self, kind: str) -> None:
        if kind in ("ratelimited", "invalid_auth"):
            raise _refusal(kind)
        if kind == "down":
            self.clock.sleep(30)
            raise SlackRequestError("Slack is down")

    def _lose(self, kind: str) -> None:
        if kind == "lost-answer":
            raise SlackRequestError("The connection was reset")


def _refusal(kind: str) -> SlackApiError:
    return SlackApiError(kind, {"ok": False, "error": kind})  # type: ignore[no-untyped-call]
