"""Setting up the local Slack, and reading what was posted to it."""

from typing import Any

from local_aws.engine.json_request import json_request


class LocalSlack:
    """The Slack server of a local AWS, from another process."""

    def __init__(self, api_url: str) -> None:
        self.api_url = api_url
        self._server = api_url.removesuffix("/api/")

    @property
    def page_url(self) -> str:
        """Where its channels can be watched in a browser."""
        return f"{self._server}/"

    def recorded(self) -> dict[str, Any]:
        """Channels, messages and calls; see `local_aws.slack.server`."""
        recorded: dict[str, Any] = self._request("GET", "/recorded")
        return recorded

    def messages(self, channel: str | None = None) -> list[dict[str, Any]]:
        """The messages (of a channel), oldest first: channel, ts, thread_ts, text, blocks, attachments, edits."""
        return [each for each in self.recorded()["messages"] if channel in (None, each["channel"])]

    def add_channel(self, channel: str, name: str) -> None:
        """A channel to which the bot may post; there is C0LOCAL from the beginning."""
        self._request("POST", "/channels", {"id": channel, "name": name})

    def add_person(self, user: str, email: str, name: str = "") -> None:
        """A member of the workspace, whom users.lookupByEmail finds."""
        self._request("POST", "/people", {"id": user, "email": email, "name": name})

    def fail_next(self, calls: int, answer: str, retry_after: int = 1, method: str = "") -> None:
        """Let the next `calls` calls fail as rate_limited (429), error (500) or down (the connection breaks)."""
        failure = {"calls": calls, "answer": answer, "retry_after": retry_after, "method": method}
        self._request("POST", "/failures", failure)

    def forget(self) -> None:
        """Drop messages, calls and failures."""
        self._request("DELETE", "/recorded")

    def _request(self, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
        return json_request(method, self._server + path, content)
