"""A Slack workspace: its channels, people, messages with all their edits, and the methods of the Web API."""

import copy
import itertools
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Final

from local_aws.slack.failures import Failure
from local_aws.slack.limits import MessageRefused, check

DIRECT: Final = "direct message to "
"""The prefix of the names of direct conversations; the person's id follows."""
_CONTENT: Final = ("text", "blocks", "attachments", "metadata")


class SlackError(Exception):
    """A call that Slack refuses; `code` is the `error` of the answer."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Message:
    """A message as it is now, and as it was before each edit."""

    channel: str
    ts: str
    content: dict[str, Any]
    thread_ts: str | None = None
    edits: list[dict[str, Any]] = field(default_factory=list)

    def recorded(self) -> dict[str, Any]:
        """All of it, for tests and the page; `edits` are the earlier contents, oldest first."""
        return {
            "channel": self.channel,
            "ts": self.ts,
            "thread_ts": self.thread_ts,
            **self.content,
            "edits": list(self.edits),
        }

    def shown(self) -> dict[str, Any]:
        """The message object of Slack's own answers."""
        thread = {"thread_ts": self.thread_ts} if self.thread_ts else {}
        return {
            "type": "message",
            "ts": self.ts,
            "bot_id": "B0LOCAL",
            "user": "U0SNOWWHITE",
            **thread,
            **self.content,
        }


class Workspace:
    """One workspace with one bot. Safe for use by several threads."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._lock = threading.RLock()
        self._channels: dict[str, str] = {"C0LOCAL": "deployments"}
        self._people: dict[str, dict[str, str]] = {}
        self._messages: list[Message] = []
        self._ephemeral: list[dict[str, Any]] = []
        self._calls: list[dict[str, Any]] = []
        self._failure: Failure | None = None
        self._counter = itertools.count(1)
        self._methods = {
            "auth.test": self._auth_test,
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "conversations.open": self._open,
            "conversations.replies": self._replies,
            "users.lookupByEmail": self._look_up,
        }

    def call(self, method: str, token: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Answer one call of the Web API. Raises SlackError with the code that Slack has for the refusal."""
        with self._lock:
            if not token:
                raise SlackError("not_authed")
            if token != self._token:
                raise SlackError("invalid_auth")
            if method not in self._methods:
                raise SlackError("unknown_method")
            return self._methods[method](arguments)

    def add_channel(self, id: str, name: str) -> None:
        """Add a channel that has the bot in it."""
        with self._lock:
            self._channels[id] = name

    def add_person(self, id: str, email: str, name: str = "") -> None:
        """Add a member with this e-mail address."""
        with self._lock:
            self._people[id] = {"email": email, "name": name or email.partition("@")[0]}

    def fail_next(
        self,
        calls: int,
        answer: str,
        retry_after: int = 1,
        method: str = "",
        seconds: float = 60.0,
        after_effect: bool = False,
    ) -> None:
        """Let the next calls fail, instead of what was set before; see `Failure`."""
        failure = Failure(calls, answer, retry_after, method, seconds, after_effect)
        with self._lock:
            self._failure = failure

    def next_failure(self, method: str) -> Failure | None:
        """How this call must fail, or None. Records the call."""
        with self._lock:
            failure = self._failure
            failing = failure is not None and failure.concerns(method)
            self._calls.append({"method": method, "at": time.time(), "failed": failing})
            if failure is None or not failing:
                return None
            self._failure = failure.once_less()
            return failure

    def delete_message(self, channel: str, ts: str) -> None:
        """Delete a message, as a person may; an edit of it and a reply to it are refused from then on."""
        with self._lock:
            self._messages = [each for each in self._messages if (each.channel, each.ts) != (channel, ts)]

    def respond(self, channel: str, content: dict[str, Any]) -> None:
        """Take what an app posts to a response URL: a message for the conversation, or one for the person only."""
        kind = content.get("response_type", "ephemeral")
        with self._lock:
            self._channel_of(channel)
            shown = _content(content)
            if kind == "in_channel":
                self._messages.append(Message(channel, self._new_ts(), shown))
            else:
                self._ephemeral.append({"channel": channel, **shown})

    def clear(self) -> None:
        """Delete messages, calls and failures; channels and people stay."""
        with self._lock:
            self._messages.clear()
            self._ephemeral.clear()
            self._calls.clear()
            self._failure = None

    def recorded(self, channel: str | None = None) -> dict[str, Any]:
        """Everything, oldest first; with a channel, what concerns that one."""
        with self._lock:
            messages = [one.recorded() for one in self._messages if channel in (None, one.channel)]
            people = {id: person["name"] for id, person in self._people.items()}
            held = {
                "people": people,
                "channels": self._channels,
                "messages": messages,
                "ephemeral": [one for one in self._ephemeral if channel in (None, one["channel"])],
                "calls": self._calls if channel is None else [],
            }
            return copy.deepcopy(held)

    def _auth_test(self, _arguments: dict[str, Any]) -> dict[str, Any]:
        return {"url": "http://127.0.0.1/", "team": "Local", "user": "snow-white", "user_id": "U0SNOWWHITE"}

    def _post(self, arguments: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel_of(arguments.get("channel", ""))
        content = _content(arguments)
        thread_ts = arguments.get("thread_ts") or None
        if thread_ts is not None and self._find(channel, thread_ts) is None:
            raise SlackError("thread_not_found")
        message = Message(channel, self._new_ts(), content, thread_ts)
        self._messages.append(message)
        return {"channel": channel, "ts": message.ts, "message": message.shown()}

    def _update(self, arguments: dict[str, Any]) -> dict[str, Any]:
        channel = arguments.get("channel", "")
        if channel not in self._channels:
            raise SlackError("channel_not_found")  # a user's id as well: an edit needs the conversation's id
        message = self._find(channel, arguments.get("ts", ""))
        if message is None:
            raise SlackError("message_not_found")
        content = _content(arguments)
        message.edits.append(message.content)
        message.content = content
        return {
            "channel": channel,
            "ts": message.ts,
            "text": content.get("text", ""),
            "message": message.shown(),
        }

    def _open(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"channel": {"id": self._channel_of(arguments.get("users", "").partition(",")[0])}}

    def _replies(self, arguments: dict[str, Any]) -> dict[str, Any]:
        channel, ts = arguments.get("channel", ""), arguments.get("ts", "")
        if channel not in self._channels:
            raise SlackError("channel_not_found")
        if self._find(channel, ts) is None:
            raise SlackError("thread_not_found")
        thread = [
            each for each in self._messages if each.channel == channel and ts in (each.ts, each.thread_ts)
        ]
        return {"messages": [each.shown() for each in thread], "has_more": False}

    def _look_up(self, arguments: dict[str, Any]) -> dict[str, Any]:
        for user_id, person in self._people.items():
            if person["email"].lower() == arguments.get("email", "").lower():
                return {
                    "user": {"id": user_id, "name": person["name"], "profile": {"email": person["email"]}}
                }
        raise SlackError("users_not_found")

    def _channel_of(self, target: str) -> str:
        """The conversation to post to: a channel by id or name, or the direct one of a user, created if missing."""
        if target in self._channels:
            return target
        for channel, name in self._channels.items():
            if target == f"#{name}":
                return channel
        if target[:1] in ("U", "W") and target.isalnum() and len(target) > 2:
            direct = "D" + target[1:]
            self._channels[direct] = f"{DIRECT}{target}"
            return direct
        raise SlackError("channel_not_found")

    def _find(self, channel: str, ts: str) -> Message | None:
        return next((each for each in self._messages if (each.channel, each.ts) == (channel, ts)), None)

    def _new_ts(self) -> str:
        """Seconds and six digits, never twice."""
        return f"{int(time.time())}.{next(self._counter):06d}"


def _content(arguments: dict[str, Any]) -> dict[str, Any]:
    content = {key: arguments[key] for key in _CONTENT if arguments.get(key)}
    if not content.keys() & {"text", "blocks", "attachments"}:
        raise SlackError("no_text")
    try:
        check(content)
    except MessageRefused as refusal:
        raise SlackError(str(refusal)) from None
    return content
