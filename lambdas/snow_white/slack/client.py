"""The Slack client: posting, editing and answering messages, and looking up members.

Slack being down, slow or not configured never fails a run. The report says who was not notified, and why.
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
# Slack's answers for a problem of its own, rather than of the call.
_TRANSIENT_ERRORS: Final = frozenset(
    {"fatal_error", "internal_error", "ratelimited", "request_timeout", "service_unavailable"}
)
_TOKEN_ERRORS: Final = frozenset(
    {"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"}
)
_SERVER_ERROR: Final = 500
LONGEST_CALL_SECONDS: Final = 40
"""The longest duration of one call: three attempts and the pauses between them."""


def slack_client(token: str, base_url: str, time_limit: TimeLimit) -> WebClient:
    """A client that obeys Slack's rate limits (429 with Retry-After) and retries when the network or Slack fails."""
    return WebClient(
        token=token,
        base_url=base_url,
        timeout=_TIMEOUT_SECONDS,
        retry_handlers=retry_handlers(time_limit),
    )


@dataclass
class Slack:
    """Posts, edits and answers messages. Failures are collected, never raised.

    Attributes:
        client: None if there is no token; `no_client_reason` then says why, and `token_may_come` whether it is worth
            trying again.
        forget_token: called when Slack refuses the token. It may have been replaced; a later call has the new one.
        time_limit: when it is over, no further call is made.
        failures: a sentence for each call that failed.
        unreached: the places for which a call failed because Slack was down, busy or out of reach, or refused the
            token. A later call may succeed.
    """

    client: WebClient | None
    no_client_reason: str = ""
    token_may_come: bool = False
    forget_token: Callable[[], None] = lambda: None
    time_limit: TimeLimit = field(default_factory=TimeLimit)
    failures: list[str] = field(default_factory=list)
    unreached: set[str] = field(default_factory=set)

    def post(self, place: str, message: Message) -> Post | None:
        """Post to a channel (id or name), or a direct message to a member (U…); None if it failed."""
        answer = self._call(
            place,
            "chat_postMessage",
            channel=place,
            text=message.text,
            blocks=message.blocks,
            attachments=list(message.attachments),
            unfurl_links=False,
            unfurl_media=False,
        )
        # For a direct message, Slack returns the id of the conversation, which edits need.
        return Post(place, str(answer["channel"]), str(answer["ts"])) if answer else None

    def edit(self, post: Post, message: Message) -> bool:
        """Replace the content of a message; whether Slack accepted it."""
        answer = self._call(
            post.to,
            "chat_update",
            channel=post.channel,
            ts=post.ts,
            text=message.text,
            blocks=message.blocks,
            attachments=list(message.attachments),
        )
        return answer is not None

    def reply(self, post: Post, text: str) -> bool:
        """Reply in the message's thread, which notifies everybody mentioned; whether Slack accepted it."""
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
        """The id of the member with this address and None, or None and the reason. It adds nothing to `failures`."""
        if self.client is None:
            return None, self.no_client_reason
        if self.time_limit.left <= 0:
            return None, f"There was no time left to look up {email} in Slack."
        try:
            user = self.client.users_lookupByEmail(email=email).get("user") or {}
        except SlackApiError as error:
            code = error.response.get("error", error)
            if code == "users_not_found":
                return None, f"No Slack member has the address {email}."
            return None, f"Slack refused to look up {email}: {code}."
        except (SlackClientError, HTTPException, OSError) as error:
            return None, f"Slack could not be reached to look up {email}: {error}."
        if user.get("deleted") or not user.get("id"):
            return None, f"The Slack member with the address {email} is deactivated."
        return str(user["id"]), None

    def _call(self, place: str, method: str, **arguments: Any) -> Mapping[str, Any] | None:
        if self.client is None:
            if self.token_may_come:
                self.unreached.add(place)
            if self.no_client_reason not in self.failures:
                self.failures.append(self.no_client_reason)
            return None
        if self.time_limit.left <= 0:
            self.unreached.add(place)
            self.failures.append(f"There was no time left to notify {place}.")
            return None
        call: Callable[..., Any] = getattr(self.client, method)
        try:
            answer: Mapping[str, Any] = call(**arguments).data
            return answer
        except SlackApiError as error:
            if error.response.get("error") in _TOKEN_ERRORS:
                self.forget_token()
                self.unreached.add(place)
            elif _is_transient(error):
                self.unreached.add(place)
            self.failures.append(
                f"Slack refused the message to {place}: {error.response.get('error', error)}."
            )
        except (SlackClientError, HTTPException, OSError) as error:
            self.unreached.add(place)
            self.failures.append(f"Slack could not be reached to notify {place}: {error}.")
        return None


def _is_transient(error: SlackApiError) -> bool:
    """Whether Slack itself has a problem; a page that a server in front of it shows has no error of Slack's in it."""
    status = getattr(error.response, "status_code", 200)
    return status >= _SERVER_ERROR or error.response.get("error") in _TRANSIENT_ERRORS
