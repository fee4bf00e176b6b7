"""Without root, a plain host does for Sidekiq and Run Command what a host with systemd does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from demonstration.ledger import Ledger, enqueue
from local_aws.agent.agent import Agent
from local_aws.hosts.choice import attach_host, start_host
from local_aws.hosts.host import HostError, HostKind, Restart, Service
from local_aws.hosts.plain_host import PlainHost
from local_aws.hosts.redis_server import RedisServer
from local_aws.hosts.systemd_host import SystemdHost
from tests.local_aws.starter import SCRIPTS, starter
from tests.patience import eventually

SLEEPER = ["/usr/bin/sleep", "100000"]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlainHost]:
    with PlainHost.start(tmp_path_factory.mktemp("hosts") / "host", name="ip-10-0-0-8") as host:
        yield host


def test_its_kind_names_it_as_the_fallback(host: PlainHost) -> None:
    assert host.kind is HostKind.PLAIN
    assert "fallback" in host.kind


def test_it_has_processes_a_name_and_files_of_its_own(host: PlainHost) -> None:
    assert host.run(["hostname"]).stdout.strip() == "ip-10-0-0-8"
    assert host.run(["id", "-u"]).stdout.strip() == "0"
    assert len(host.run(["ps", "-e", "-o", "comm="]).stdout.splitlines()) < 10
    host.write("/var/app/current/only-inside", "inside")
    assert host.run(["cat", "/var/app/current/only-inside"]).stdout == "inside"
    assert not Path("/var/app/current/only-inside").exists()


@pytest.mark.parametrize("path", ["/etc/from-inside", "/usr/from-inside", "/proc/sys/vm/swappiness"])
def test_it_cannot_change_the_machine(host: PlainHost, path: str) -> None:
    assert "Read-only" in host.run(["sh", "-c", f"echo 1 > {path}"]).stderr


def test_a_service_comes_back_whenever_it_ends(host: PlainHost) -> None:
    def is_back(before: int) -> bool:
        return host.service_pids()["kept"] not in (0, before)

    host.add_service(Service("kept", SLEEPER))
    for how in ("TERM", "KILL"):
        eventually(lambda: host.service_pids()["kept"] > 0, "the service is up")
        before = host.service_pids()["kept"]
        host.run(["kill", f"-{how}", str(before)], check=True)
        eventually(partial(is_back, before), f"the service is up again after {how}")


def test_a_service_that_restarts_on_failure_stays_down_after_term(host: PlainHost) -> None:
    host.add_service(Service("fragile", SLEEPER, restart=Restart.ON_FAILURE))
    eventually(lambda: host.service_pids()["fragile"] > 0, "the service is up")
    first = host.service_pids()["fragile"]
    host.run(["kill", "-KILL", str(first)], check=True)
    eventually(lambda: host.service_pids()["fragile"] not in (0, first), "the service has come back")
    host.run(["kill", "-TERM", str(host.service_pids()["fragile"])], check=True)
    eventually(lambda: host.service_pids()["fragile"] == 0, "the service is down")


def test_a_stopped_service_stays_down_and_one_that_ignores_term_is_killed(host: PlainHost) -> None:
    host.add_service(
        Service("deaf", ["/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done"], stop_timeout=1)
    )
    eventually(lambda: host.service_pids()["deaf"] > 0, "the service is up")
    host.stop_service("deaf")
    assert host.service_pids()["deaf"] == 0
    host.restart_service("deaf")
    eventually(lambda: host.service_pids()["deaf"] > 0, "the service is up")


def test_asking_for_a_service_that_is_not_there_is_an_error(host: PlainHost) -> None:
    with pytest.raises(HostError, match="nothing-like-it"):
        host.stop_service("nothing-like-it")


def test_it_runs_real_sidekiq_that_is_restarted(host: PlainHost, tmp_path: Path) -> None:
    with RedisServer.start(tmp_path) as server, server.client() as client:
        host.write("/var/app/current/app.rb", (SCRIPTS / "local_aws/hosts/sidekiq_app/app.rb").read_bytes())
        command = ["/usr/bin/sidekiq", "-r", "/var/app/current/app.rb", "-c", "2"]
        host.add_service(
            Service("worker", command, "/var/app/current", {"REDIS_URL": server.url, "INSTANCE_ID": "i-8"})
        )
        jobs = enqueue(client, [0.01] * 5)
        eventually(lambda: Ledger.read(client).finished == set(jobs), "the jobs are done")
        host.run(["kill", "-KILL", str(host.service_pids()["worker"])], check=True)
        eventually(lambda: len(Ledger.read(client).workers) == 2, "another worker has started")
        host.stop_service("worker")


def test_an_agent_executes_documents_on_it(host: PlainHost) -> None:
    document = {
        "schemaVersion": "2.2",
        "mainSteps": [
            {
                "action": "aws:runShellScript",
                "name": "look",
                "inputs": {"runCommand": ["#!/bin/bash", "set -euo pipefail", "hostname; pwd", "exit 2"]},
            }
        ],
    }
    result = Agent("eu-west-1", "i-8", host).run(document, {}, threading.Event(), lambda: None)
    assert (result.response_code, result.stdout.split()) == (2, ["ip-10-0-0-8", "/usr/bin"])


def test_it_is_started_without_root_with_a_warning_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    host = start_host(tmp_path / "host", "somebody")
    try:
        assert host.kind is HostKind.PLAIN
        assert "fallback without systemd: a systemd worker host needs root" in caplog.text
        assert attach_host(tmp_path / "host").run(["hostname"]).stdout.strip() == "somebody"
    finally:
        host.stop()


def test_attaching_finds_out_which_kind_of_host_it_is(tmp_path: Path) -> None:
    with SystemdHost.start(tmp_path / "host"):
        assert attach_host(tmp_path / "host").kind is HostKind.SYSTEMD
    with pytest.raises(HostError, match="no running host"):
        attach_host(tmp_path / "host")


def test_another_process_can_use_and_end_it_by_its_folder(tmp_path: Path) -> None:
    with PlainHost.start(tmp_path / "host", name="seen") as host:
        attached = PlainHost.attach(tmp_path / "host")
        assert attached.run(["hostname"]).stdout.strip() == "seen"
        attached.stop()
        assert not host.is_running
        with pytest.raises(HostError, match="not running"):
            host.run(["true"])


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from local_aws.hosts.plain_host import PlainHost\n"
        "host = PlainHost.start(Path(sys.argv[1])); print(host.init_pid, flush=True)"
    )
    with starter(program, tmp_path / "host") as (process, init_pid):
        assert Path(f"/proc/{init_pid}").exists()
        process.kill()
    eventually(
        lambda: not Path(f"/proc/{init_pid}").exists() and not (tmp_path / "host").exists(),
        "nothing of the host is left",
    )
