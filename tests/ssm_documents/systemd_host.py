"""Documents' scripts and real Sidekiq on worker hosts with a real systemd."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.command_documents import command_document
from local_aws.hosts.host import Restart, Service
from local_aws.hosts.redis_server import RedisServer
from local_aws.hosts.systemd_host import SystemdHost
from tests.patience import eventually
from tests.ssm_documents.bare_host import Answer, Command

APP = Path(__file__).parents[2] / "scripts" / "local_aws" / "hosts" / "sidekiq_app" / "app.rb"


def start_document(host: SystemdHost, action: str, limit: int = 600, run: str = "") -> Command:
    """Start an action's document; `limit` is its executionTimeout in seconds, and `run` its parameter."""
    lines = command_document(action)["mainSteps"][-1]["inputs"]["runCommand"]
    return start_script(host, "\n".join(lines), limit, run)


def start_script(host: SystemdHost, script: str, limit: int, run: str = "") -> Command:
    """The same with a script of a document, changed or not."""
    path = f"/root/script-{time.monotonic_ns()}.sh"
    script = script.replace("{{ executionTimeout }}", str(limit)).replace("{{ run }}", run)
    host.write(path, script, mode=0o700)
    return Command(host.popen(["env", "-i", "sh", "-c", path]), limit)


def ask(host: SystemdHost, action: str, limit: int = 600, run: str = "") -> Answer:
    return start_document(host, action, limit, run).answer()


def sidekiq(
    redis: RedisServer,
    name: str = "worker",
    *,
    restart: Restart = Restart.ALWAYS,
    wrapper: Sequence[str] = (),
    options: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Service:
    """A service that runs real Sidekiq on the application of the local worker hosts."""
    command = [*wrapper, "/usr/bin/sidekiq", "-r", "/var/app/app.rb", "-c", "3", *options]
    variables = {"REDIS_URL": redis.url, "LANG": "C.UTF-8", **(environment or {})}
    return Service(name, command, environment=variables, restart=restart)


def workers(host: SystemdHost) -> dict[int, str]:
    """Titles of the host's workers by process id."""
    found = {}
    for line in host.run(["ps", "-eo", "pid=,args="]).stdout.splitlines():
        pid, _, title = line.strip().partition(" ")
        if title.startswith("sidekiq "):
            found[int(pid)] = title
    return found


def wait_for_workers(host: SystemdHost, count: int) -> list[int]:
    eventually(lambda: len(workers(host)) == count, lambda: f"{count} workers, there are {workers(host)}")
    return sorted(workers(host))
