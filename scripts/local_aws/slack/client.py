"""Setting up the local Slack from another process, and reading what was posted to it."""

from typing import Any
from urllib.parse import urlencode

from local_aws.engine.json_request import json_request


class LocalSlack:
    """The Slack server of a local AWS."""

    def __init__(self, api_url: str) -> None:
        self.api_url = api_url
        self._server = api_url.removesuffix("/api/")

    @property
    def page_url(self) -> str:
        """The page that shows its channels in a browser."""
        return f"{self._server}/"

    def recorded(self, channel: str | None = None) -> dict[str, Any]:
        """Channels, messages and calls; see `local_aws.slack.server`."""
        which = f"?{urlencode({'channel': channel})}" if channel else ""
        recorded: dict[str, Any] = self._request("GET", f"/recorded{which}")
        return recorded

    def messages(self, channel: str | None = None) -> list[dict[str, Any]]:
        """The messages (of a channel), oldest first: channel, ts, thread_ts, text, blocks, attachments, edits."""
        return list(self.recorded(channel)["messages"])

    def ephemeral(self, channel: str) -> list[dict[str, Any]]:
        """What was answered to one person only, oldest first: channel, text."""
        return list(self.recorded(channel)["ephemeral"])

    def response_url(self, channel: str) -> str:
        """Where an app may answer an interaction in this channel."""
        return f"{self._server}/responses/{channel}"

    def add_channel(self, channel: str, name: str) -> None:
        """Add a channel to which the bot may post; C0LOCAL exists from the start."""
        self._request("POST", "/channels", {"id": channel, "name": name})

    def add_person(self, user: str, email: str, name: str = "") -> None:
        """Add a member of the workspace, whom users.lookupByEmail finds."""
        self._request("POST", "/people", {"id": user, "email": email, "name": name})

    def fail_next(
        self,
        calls: int,
        answer: str,
        retry_after: int = 1,
        method: str = "",
        seconds: float = 60.0,
        after_effect: bool = False,
    ) -> None:
        """Let the next `calls` calls fail, instead of what was set before; see `local_aws.slack.failures.Failure`."""
        failure = {
            "calls": calls,
            "answer": answer,
            "retry_after": retry_after,
            "method": method,
            "seconds": seconds,
            "after_effect": after_effect,
        }
        self._request("POST", "/failures", failure)

    def delete_message(self, channel: str, ts: str) -> None:
        """Delete a message, as a person may."""
        self._request("POST", "/deletions", {"channel": channel, "ts": ts})

    def clear(self) -> None:
        """Delete messages, calls and failures."""
        self._request("DELETE", "/recorded")

    def _request(self, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
        return json_request(method, self._server + path, content)
