"""Slack waits three seconds for a slash command's answer, so that nothing the function asks may take longer."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType
from typing import Final

import pytest

from tests.lambdas.test_slash_command import CHANNEL, MACHINE, ask, load

SLACK_WAITS: Final = 3.0
ON_THE_WAY: Final = 0.25


class DeafService:
    """A service of AWS that takes connections, and answers to none until it is told to."""

    def __init__(self) -> None:
        self.connections = 0
        self.answers = False
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._taken: list[socket.socket] = []
        threading.Thread(target=self._take, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def stop(self) -> None:
        for one in (self._socket, *self._taken):
            one.close()

    def _take(self) -> None:
        while True:
            try:
                taken, _ = self._socket.accept()
            except OSError:
                return
            self._taken.append(taken)
            self.connections += 1
            if self.answers:
                threading.Thread(target=self._answer, args=[taken], daemon=True).start()

    def _answer(self, taken: socket.socket) -> None:
        """As HTTP/1.1 does it: the connection stays open for the next request, unless the request says otherwise."""
        arn = MACHINE.replace("stateMachine", "execution")
        body = json.dumps({"executionArn": f"{arn}:x", "startDate": 1})
        while asked := taken.recv(65_536):
            close = b"\r\nconnection: close\r\n" in asked.lower()
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n" + "Connection: close\r\n" * close
            taken.sendall(f"{head}\r\n{body}".encode())
            if close:
                taken.close()
                return


@pytest.fixture
def deaf() -> Iterator[DeafService]:
    service = DeafService()
    yield service
    service.stop()


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch, deaf: DeafService) -> ModuleType:
    """The function as Lambda loads it, with an AWS that does not answer."""
    keys = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
    return load(monkeypatch, AWS_ENDPOINT_URL=deaf.url, **keys)


def test_all_that_is_waited_for_fits_into_the_time_that_slack_waits(function: ModuleType) -> None:
    configs = [client.meta.config for client in (function.secrets.client, function.commands.step_functions)]
    waits = [
        config.retries["total_max_attempts"] * (config.connect_timeout + config.read_timeout)
        for config in configs
    ]
    assert sum(waits) <= SLACK_WAITS - ON_THE_WAY


def test_who_does_not_answer_is_asked_once_and_who_does_on_a_new_connection_each_time(
    function: ModuleType, deaf: DeafService
) -> None:
    commands = replace(function.commands, users=frozenset({"U0ANN"}), channels=frozenset({CHANNEL}))
    assert ask(commands, "quiet backups").outcome == "failed"
    assert deaf.connections == 1
    deaf.answers = True
    assert [ask(commands, "quiet backups").outcome for _ in range(2)] == ["started", "started"]
    # An old connection may have died while the function was frozen, and there is no time for a second try.
    assert deaf.connections == 3
