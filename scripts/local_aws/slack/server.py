"""A small Slack Web API: what the real slack_sdk needs to post and edit messages and to find people.

It records what was posted with every edit, and fails on request. Besides /api/METHOD it serves:

    GET  /                    a page that shows the messages in a browser, ?channel=C... for one channel
    GET  /recorded            {"people": {id: name}, "channels": {id: name}, "messages": [...],
                              "ephemeral": [...], "calls": [...]}; ?channel=C... for one channel's, without calls
    POST /people              {"email": ..., "id": "U...", "name": ...}: adds a member for users.lookupByEmail
    POST /channels            {"id": "C...", "name": ...}: adds a channel that has the bot in it
    POST /failures            {"calls": 3, "answer": "rate_limited", "retry_after": 1}; see `local_aws.slack.failures`
    POST /responses/CHANNEL   what an app posts to the response URL of an interaction in that channel
    POST /deletions           {"channel": "C...", "ts": ...}: deletes a message
    DELETE /recorded          deletes messages, calls and failures
"""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from local_aws.slack.failures import Failure
from local_aws.slack.page import SECURITY_POLICY, page
from local_aws.slack.workspace import SlackError, Workspace

TOKEN = "xoxb-local-snow-white"  # noqa: S105  # valid for this server only
"""The bot token it accepts."""
RESPONSES = "/responses/"
_STOP_NOTICED_SECONDS = 0.02


class SlackServer:
    """The server, in a thread of its own, on a free port of 127.0.0.1."""

    def __init__(self) -> None:
        self.workspace = Workspace(TOKEN)
        self._server = _Server(("127.0.0.1", 0), self.workspace)
        self.url = f"http://127.0.0.1:{self._server.server_port}/api/"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_STOP_NOTICED_SECONDS,), name="slack", daemon=True
        )

    def start(self) -> None:
        """Start to serve."""
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], workspace: Workspace) -> None:
        super().__init__(address, _Requests)
        self.workspace = workspace


class _Requests(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/recorded":
            self._answer(200, self.server.workspace.recorded(self._chosen_channel()))
        elif path == "/":
            self._show_page()
        elif path.startswith("/api/"):
            self._call(path.removeprefix("/api/"))
        else:
            self._answer(404, {"ok": False, "error": "unknown_path"})

    def do_POST(self) -> None:
        path = urlsplit(self.path).path
        workspace = self.server.workspace
        if path.startswith("/api/"):
            self._call(path.removeprefix("/api/"))
            return
        if path.startswith(RESPONSES):
            self._respond(path.removeprefix(RESPONSES))
            return
        settings: dict[str, Callable[..., None]] = {
            "/people": workspace.add_person,
            "/channels": workspace.add_channel,
            "/failures": workspace.fail_next,
            "/deletions": workspace.delete_message,
        }
        if path not in settings:
            self._answer(404, {"ok": False, "error": "unknown_path"})
            return
        settings[path](**self._arguments())
        self._answer(200, {"ok": True})

    def do_DELETE(self) -> None:
        self.server.workspace.clear()
        self._answer(200, {"ok": True})

    def _respond(self, channel: str) -> None:
        try:
            self.server.workspace.respond(channel, self._arguments())
        except SlackError as error:
            self._answer(404, {"ok": False, "error": error.code})
            return
        self._answer(200, {"ok": True})

    def _call(self, method: str) -> None:
        arguments = self._arguments()
        workspace = self.server.workspace
        failure = workspace.next_failure(method)
        if failure is None:
            self._answer(200, self._result(method, arguments))
            return
        if failure.after_effect:
            self._result(method, arguments)
        self._fail(failure)

    def _result(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ") or arguments.get("token", "")
        try:
            return {"ok": True, **self.server.workspace.call(method, token, arguments)}
        except SlackError as error:
            return {"ok": False, "error": error.code}

    def _fail(self, failure: Failure) -> None:
        match failure.answer:
            case "down":
                self.close_connection = True
            case "timeout":
                time.sleep(failure.seconds)
                self.close_connection = True
            case "rate_limited":
                after = {"Retry-After": str(failure.retry_after)}
                self._answer(429, {"ok": False, "error": "ratelimited"}, after)
            case "error":
                self._answer(500, {"ok": False, "error": "internal_error"})
            case refusal:
                self._answer(200, {"ok": False, "error": refusal})

    def _arguments(self) -> dict[str, Any]:
        """The arguments of the query and of a JSON or form body; blocks and attachments come as JSON text in forms."""
        given: dict[str, Any] = {
            key: values[-1] for key, values in parse_qs(urlsplit(self.path).query).items()
        }
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not body:
            return given
        if "json" in self.headers.get("Content-Type", ""):
            given.update(json.loads(body))
        else:
            given.update(
                {key: values[-1] for key, values in parse_qs(body.decode(), keep_blank_values=True).items()}
            )
        for key in ("blocks", "attachments", "metadata"):
            if isinstance(given.get(key), str) and given[key]:
                given[key] = json.loads(given[key])
        return given

    def _chosen_channel(self) -> str | None:
        chosen: str | None = parse_qs(urlsplit(self.path).query).get("channel", [None])[-1]
        return chosen

    def _show_page(self) -> None:
        body = page(self.server.workspace.recorded(), self._chosen_channel()).encode()
        self._send(200, "text/html; charset=utf-8", body, {"Content-Security-Policy": SECURITY_POLICY})

    def _answer(self, status: int, content: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._send(status, "application/json; charset=utf-8", json.dumps(content).encode(), headers)

    def _send(self, status: int, kind: str, body: bytes, headers: dict[str, str] | None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Write no log: the workspace records the calls."""
