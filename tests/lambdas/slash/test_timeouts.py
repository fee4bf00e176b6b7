"""Slack waits three seconds for a slash command's answer, so the function's calls must be shorter together."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType
from typing import Final

import pytest

from tests.lambdas.slash_function import CHANNEL, MACHINE, ask, load

SLACK_TIMEOUT_SECONDS: Final = 3.0
NETWORK_SECONDS: Final = 0.25


class SilentService:
    """An AWS service that accepts connections, and answers requests only while `answers` is true."""

    def __init__(self) -> None:
        self.connections = 0
        self.answers = False
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._accepted: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def stop(self) -> None:
        for one in (self._socket, *self._accepted):
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._accepted.append(connection)
            self.connections += 1
            if self.answers:
                threading.Thread(target=self._answer, args=[connection], daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        """Answer as in HTTP/1.1: the connection stays open unless the request asks to close it."""
        arn = MACHINE.replace("stateMachine", "execution")
        body = json.dumps({"executionArn": f"{arn}:x", "startDate": 1})
        while asked := connection.recv(65_536):
            close = b"\r\nconnection: close\r\n" in asked.lower()
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n" + "Connection: close\r\n" * close
            connection.sendall(f"{head}\r\n{body}".encode())
            if close:
                connection.close()
                return


@pytest.fixture
def silent() -> Iterator[SilentService]:
    service = SilentService()
    yield service
    service.stop()


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch, silent: SilentService) -> ModuleType:
    """The function as Lambda loads it, with an AWS endpoint that does not answer."""
    keys = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
    return load(monkeypatch, AWS_ENDPOINT_URL=silent.url, **keys)


def test_the_timeouts_of_all_calls_fit_into_the_time_that_slack_waits(function: ModuleType) -> None:
    configs = [client.meta.config for client in (function.secrets.client, function.commands.step_functions)]
    waits = [
        config.retries["total_max_attempts"] * (config.connect_timeout + config.read_timeout)
        for config in configs
    ]
    assert sum(waits) <= SLACK_TIMEOUT_SECONDS - NETWORK_SECONDS


def test_an_unanswered_call_is_not_retried_and_each_call_has_a_new_connection(
    function: ModuleType, silent: SilentService
) -> None:
    commands = replace(function.commands, users=frozenset({"U0ANN"}), channels=frozenset({CHANNEL}))
    assert ask(commands, "quiet backups").outcome == "failed"
    assert silent.connections == 1
    silent.answers = True
    assert [ask(commands, "quiet backups").outcome for _ in range(2)] == ["started", "started"]
    # A kept connection may be closed while the function is frozen, and there is no time for a retry.
    assert silent.connections == 3
