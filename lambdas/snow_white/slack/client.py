"""Telling Slack: one message per run and place, posted at the start, edited on the way, answered at the end.

Slack being down, slow or unconfigured never fails a run; who could not be told, and why, stands in its report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any, Final

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from snow_white.model.slack_state import Post
from snow_white.slack.message import Message
from snow_white.slack.retries import retry_handlers
from snow_white.slack.time_limit import TimeLimit

_TIMEOUT_SECONDS: Final = 10
# What Slack answers when it is busy or broken, and not the call.
_TRANSIENT_ERRORS: Final = frozenset(
    {"fatal_error", "internal_error", "ratelimited", "request_timeout", "service_unavailable"}
)
LONGEST_CALL_SECONDS: Final = 40
"""The longest that one call takes: three tries, and the pauses between them."""


def slack_client(token: str, base_url: str, time_limit: TimeLimit) -> WebClient:
    """A client that waits as Slack asks (429 with Retry-After) and tries again when the network or Slack fails."""
    return WebClient(
        token=token,
        base_url=base_url,
        timeout=_TIMEOUT_SECONDS,
        retry_handlers=retry_handlers(time_limit),
    )


@dataclass
class Slack:
    """Posts, edits and answers messages; what goes wrong is collected, never raised.

    Attributes:
        client: None when there is no token; `no_client_reason` then says why nobody can be told.
        time_limit: once it has run out, no call is begun any more.
        failures: a sentence for each call that did not succeed.
        unreached: the places for which that was so because Slack was down, busy or out of reach, so that they may be
            told later.
    """

    client: WebClient | None
    no_client_reason: str = ""
    time_limit: TimeLimit = field(default_factory=TimeLimit)
    failures: list[str] = field(default_factory=list)
    unreached: set[str] = field(default_factory=set)

    def post(self, place: str, message: Message) -> Post | None:
        """Post to a channel (id or name) or to a member (U…), to whom it is a direct message."""
        answer = self._call(
            place,
            "chat_postMessage",
            channel=place,
            text=message.text,
            attachments=list(message.attachments),
            unfurl_links=False,
            unfurl_media=False,
        )
        # A post to a member is answered with the id of the direct conversation, which edits need.
        return Post(place, str(answer["channel"]), str(answer["ts"])) if answer else None

    def edit(self, post: Post, message: Message) -> bool:
        """Show the newest state in a message; whether Slack took it."""
        answer = self._call(
            post.to,
            "chat_update",
            channel=post.channel,
            ts=post.ts,
            text=message.text,
            attachments=list(message.attachments),
        )
        return answer is not None

    def reply(self, post: Post, text: str) -> bool:
        """Answer in the message's thread, which notifies those who are mentioned; whether Slack took it."""
        answer = self._call(
            post.to,
            "chat_postMessage",
            channel=post.channel,
            thread_ts=post.ts,
            text=text,
            unfurl_links=False,
            unfurl_media=False,
        )
        return answer is not None

    def member_by_email(self, email: str) -> tuple[str | None, str | None]:
        """The id of the member with this address and None; or None and why there is none, which is no failure."""
        if self.client is None:
            return None, self.no_client_reason
        if self.time_limit.left <= 0:
            return None, f"There was no time left to ask Slack for {email}."
        try:
            user = self.client.users_lookupByEmail(email=email).get("user") or {}
        except SlackApiError as error:
            said = error.response.get("error", error)
            if said == "users_not_found":
                return None, f"Nobody in Slack has the address {email}."
            return None, f"Slack refused to look for {email}: {said}."
        except (SlackClientError, HTTPException, OSError) as error:
            return None, f"Slack could not be asked for {email}: {error}."
        if user.get("deleted") or not user.get("id"):
            return None, f"The member of Slack with the address {email} has left."
        return str(user["id"]), None

    def _call(self, place: str, method: str, **arguments: Any) -> Mapping[str, Any] | None:
        if self.client is None:
            if self.no_client_reason not in self.failures:
                self.failures.append(self.no_client_reason)
            return None
        if self.time_limit.left <= 0:
            self.unreached.add(place)
            self.failures.append(f"There was no time left to tell {place}.")
            return None
        call: Callable[..., Any] = getattr(self.client, method)
        try:
            answer: Mapping[str, Any] = call(**arguments).data
            return answer
        except SlackApiError as error:
            if error.response.get("error") in _TRANSIENT_ERRORS:
                self.unreached.add(place)
            self.failures.append(f"Slack refused to tell {place}: {error.response.get('error', error)}.")
        except (SlackClientError, HTTPException, OSError) as error:
            self.unreached.add(place)
            self.failures.append(f"Slack could not be reached to tell {place}: {error}.")
        return None
