"""The first process of a plain host: runs its services, reaps orphans, ends at the end of its standard input.

It listens on /run/supervisor.sock. A request is one line of JSON, and so is the answer:
{"action": "start", "service": {...}}, {"action": "stop", "name": ...}, {"action": "restart", "name": ...},
{"action": "status"} -> {"worker": 17} with pids (0 when it is down), {"action": "end"}.
It imports nothing of the project, which does not exist in the host.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass
from typing import Any

SOCKET = "/run/supervisor.sock"
RESTART_DELAY_SECONDS = 1.0
RUN_IN_FOLDER = 'cd "$1" && shift && exec "$@"'


@dataclass
class Program:
    """A service and its current process, pid 0 while it is down."""

    service: dict[str, Any]
    should_run: bool = True
    pid: int = 0
    runner: asyncio.Task[None] | None = None


class Supervisor:
    """All services of the host, by name."""

    def __init__(self) -> None:
        self.programs: dict[str, Program] = {}
        self.exits: dict[int, asyncio.Future[int]] = {}

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out a request; a stop is answered when the process has ended."""
        match request["action"]:
            case "start":
                await self.start(request["service"])
            case "stop":
                await self.stop(self.programs[request["name"]])
            case "restart":
                await self.start(self.programs[request["name"]].service)
            case "status":
                return {name: program.pid for name, program in self.programs.items()}
            case "end":
                os._exit(0)
        return {}

    async def start(self, service: dict[str, Any]) -> None:
        if service["name"] in self.programs:
            await self.stop(self.programs[service["name"]])
        program = self.programs[service["name"]] = Program(service)
        program.runner = asyncio.create_task(self.run(program))

    async def stop(self, program: Program) -> None:
        program.should_run = False
        if program.pid:
            pid, ended = program.pid, self.exits[program.pid]
            os.kill(pid, signal.SIGTERM)
            _, pending = await asyncio.wait([ended], timeout=program.service["stop_timeout"])
            if pending:
                os.killpg(pid, signal.SIGKILL)
        if program.runner:
            await program.runner

    async def run(self, program: Program) -> None:
        """Run the service, and start it again after each end if its `restart` says so."""
        restart = program.service["restart"]
        while program.should_run:
            program.pid = self.spawn(program.service)
            code = await self.exits[program.pid]
            del self.exits[program.pid]
            program.pid = 0
            if restart == "no" or (restart == "on-failure" and code in (0, -signal.SIGTERM)):
                return
            if program.should_run:
                await asyncio.sleep(RESTART_DELAY_SECONDS)

    def spawn(self, service: dict[str, Any]) -> int:
        name, log = service["name"], os.O_WRONLY | os.O_CREAT | os.O_APPEND
        pid = os.posix_spawn(
            "/bin/sh",
            ["sh", "-c", RUN_IN_FOLDER, name, service["working_directory"], *service["command"]],
            {**os.environ, **service["environment"]},
            setsid=True,
            setsigdef=[signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE],
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, f"/var/log/{name}.log", log, 0o644),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
        )
        self.exits[pid] = asyncio.get_running_loop().create_future()
        return pid

    def reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self.exits and not self.exits[pid].done():
                self.exits[pid].set_result(os.waitstatus_to_exitcode(status))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            reply = await self.answer(json.loads(await reader.readline()))
        except Exception as error:  # noqa: BLE001  # the answer has it; the host goes on
            reply = {"error": repr(error)}
        writer.write(json.dumps(reply).encode() + b"\n")
        await writer.drain()
        writer.close()


async def main() -> None:
    supervisor = Supervisor()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGCHLD, supervisor.reap)
    loop.add_reader(sys.stdin.fileno(), lambda: os.read(0, 1024) or os._exit(0))
    server = await asyncio.start_unix_server(supervisor.serve, SOCKET)
    await server.serve_forever()


asyncio.run(main())
