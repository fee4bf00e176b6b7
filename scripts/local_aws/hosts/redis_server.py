"""A private redis-server: on a free port of 127.0.0.1, keeping nothing on disk, ended with its parent."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

_ATTEMPTS = 5
_START_SECONDS = 30.0
# The shell reads the pipe that the parent holds; the kernel ends the server if the shell itself is killed.
_KEEPER = """
trap '' INT HUP
exec 3<&0
setpriv --pdeathsig KILL redis-server "$@" </dev/null >/dev/null 2>&1 3<&- &
server=$!
{ read -r _ <&3; kill -KILL "$server"; } &
lifeline=$!
exec 3<&-
wait "$server"
kill -KILL "$lifeline"
"""


class RedisError(Exception):
    """A redis-server could not be started; the sentence says why."""


class RedisServer:
    """A running redis-server.

    with RedisServer.start(tmp_path) as server:
        server.client().ping()
    """

    def __init__(self, port: int, keeper: subprocess.Popen[bytes]) -> None:
        self.port = port
        self._keeper = keeper

    @classmethod
    def start(cls, folder: Path) -> Self:
        """Start one with `folder` as its working directory, and wait until it answers."""
        if shutil.which("redis-server") is None:
            raise RedisError("redis-server is not installed (Debian package: redis-server).")
        for _ in range(_ATTEMPTS):  # somebody else may take the free port before the server does
            server = cls(port := _free_port(), _keep(port, folder))
            if server._answers(folder):
                return server
            server.stop()
        raise RedisError(f"redis-server did not start on 127.0.0.1 in {_ATTEMPTS} attempts.")

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> redis.Redis:
        """A client that answers with text."""
        return redis.Redis(host="127.0.0.1", port=self.port, decode_responses=True)

    def stop(self) -> None:
        """End it; what it held is gone. Twice is harmless."""
        assert self._keeper.stdin is not None
        self._keeper.stdin.close()
        self._keeper.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _answers(self, folder: Path) -> bool:
        deadline = time.monotonic() + _START_SECONDS
        with self.client() as client:
            while self._keeper.poll() is None and time.monotonic() < deadline:
                try:
                    return bool(client.config_get("dir") == {"dir": str(folder.resolve())})
                except (redis.ConnectionError, redis.TimeoutError):
                    time.sleep(0.02)
        return False


def _keep(port: int, folder: Path) -> subprocess.Popen[bytes]:
    settings = {"port": port, "bind": "127.0.0.1", "dir": folder, "save": "", "appendonly": "no"}
    arguments = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    return subprocess.Popen(
        ["/bin/bash", "-c", _KEEPER, "redis", *arguments],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
