"""A private redis-server: on a free port of 127.0.0.1, without files, ended with its parent."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from typing import Self, cast

import redis

from local_aws.processes.child_process import ChildProcess, Stoppable
from local_aws.processes.waiting import wait_for

_ATTEMPTS = 5
_START_SECONDS = 30.0
# The shell waits for the end of its standard input; the kernel ends the server if the shell itself is killed.
_MONITOR = """
trap '' INT HUP
exec 3<&0
setpriv --pdeathsig KILL redis-server "$@" </dev/null >/dev/null 2>&1 3<&- &
server=$!
{ read -r _ <&3; kill -KILL "$server"; } &
input_watch=$!
exec 3<&-
wait "$server"
kill -KILL "$input_watch"
"""


class RedisError(Exception):
    """A redis-server could not be started; the sentence says why."""


class RedisServer(Stoppable):
    """A running redis-server.

    with RedisServer.start(tmp_path) as server:
        server.client().ping()
    """

    def __init__(self, port: int, monitor: ChildProcess) -> None:
        self.port = port
        self._monitor = monitor

    @classmethod
    def start(cls, folder: Path) -> Self:
        """Start one with `folder` as its working directory, and wait until it answers."""
        if shutil.which("redis-server") is None:
            raise RedisError("redis-server is not installed (Debian package: redis-server).")
        for _ in range(_ATTEMPTS):  # another process may take the free port before the server does
            server = cls(port := _free_port(), _run(port, folder))
            if server._answers(folder):
                return server
            server.stop()
        raise RedisError(f"redis-server did not start on 127.0.0.1 in {_ATTEMPTS} attempts.")

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self, database: int = 0) -> redis.Redis:
        """A client that answers with text."""
        return redis.Redis(host="127.0.0.1", port=self.port, db=database, decode_responses=True)

    def stop(self) -> None:
        """End it; its data are gone. Harmless when it has ended."""
        self._monitor.end()

    def _answers(self, folder: Path) -> bool:
        """Whether it comes up, and is this one: another server may have taken the port."""
        with self.client() as client:

            def folder_or_ended() -> str | None:
                try:
                    return str(cast("dict[str, str]", client.config_get("dir"))["dir"])
                except (redis.ConnectionError, redis.TimeoutError):
                    return "ended" if self._monitor.has_ended else None

            return wait_for(folder_or_ended, _START_SECONDS) == str(folder.resolve())


def _run(port: int, folder: Path) -> ChildProcess:
    settings = {"port": port, "bind": "127.0.0.1", "dir": folder, "save": "", "appendonly": "no"}
    arguments = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    return ChildProcess(["/bin/bash", "-c", _MONITOR, "redis", *arguments])


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
