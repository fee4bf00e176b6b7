"""Which run has put the workers of a host to sleep, since when they sleep, and a wake for the workers of one run."""

from __future__ import annotations

import time
from pathlib import Path

from local_aws.hosts.redis_server import RedisServer
from local_aws.hosts.systemd_host import SystemdHost
from tests.patience import eventually
from tests.ssm_documents.bare_host import BareHost
from tests.ssm_documents.systemd_host import ask, sidekiq, wait_for_workers

OLDER, NEWER = "1764000000 quiet-ann", "1764000100 quiet-ben"


def remembered(host: BareHost) -> str:
    """What the host remembers of the newest run that has put its workers to sleep."""
    file = Path(f"/proc/{host.init_pid}/root/run/snow-white/run")
    return file.read_text().rstrip("\n") if file.exists() else ""


def test_status_tells_which_run_has_put_a_worker_to_sleep_and_since_when(host: BareHost) -> None:
    host.imitate(beat=1)
    host.wait_for_workers(1)
    before = int(time.time())
    assert host.ask("quiet", run=OLDER).summary() == (0, "quiet")
    after = time.time()

    status = host.ask("status").json

    assert status["asleep_by"] == "quiet-ann"
    (process,) = status["processes"]
    assert before - 1 <= process["since"] <= after


def test_nobody_has_put_a_worker_to_sleep_that_is_awake(host: BareHost) -> None:
    host.imitate(beat=1)
    host.wait_for_workers(1)
    status = host.ask("status").json
    assert "asleep_by" not in status
    assert "since" not in status["processes"][0]


def test_the_newest_run_is_remembered_also_if_an_older_one_sends_again(host: BareHost) -> None:
    host.imitate(beat=1)
    host.wait_for_workers(1)
    for run in (OLDER, NEWER, OLDER):
        assert host.ask("quiet", run=run).summary() == (0, "quiet")
    assert remembered(host) == NEWER


def test_a_run_whose_command_joins_that_of_an_older_one_is_remembered(host: BareHost) -> None:
    host.imitate(jobs="8", beat=1)
    (pid,) = host.wait_for_workers(1)
    first = host.start("quiet", run=OLDER)
    eventually(lambda: host.signals(pid), "the first is at work")
    second = host.start("quiet", run=NEWER)
    assert [command.answer().summary() for command in (first, second)] == [(0, "quiet")] * 2
    assert remembered(host) == NEWER


def test_a_run_for_an_instance_that_may_end_does_not_take_over_a_fleet_that_sleeps(host: BareHost) -> None:
    host.imitate(beat=1)
    host.wait_for_workers(1)
    drain = "1764000100 drain-i-0123456789abcdef0-0f9a1c52"
    for run in (OLDER, drain):
        assert host.ask("quiet", run=run).summary() == (0, "quiet")
    assert host.ask("wake", run=drain).summary() == (0, "left_alone")
    assert remembered(host) == OLDER


def test_a_wake_for_another_run_leaves_the_workers_as_they_are(host: BareHost) -> None:
    host.imitate(beat=1)
    (pid,) = host.wait_for_workers(1)
    host.ask("quiet", run=NEWER)

    answer = host.ask("wake", run=OLDER)

    assert answer.summary() == (0, "left_alone")
    assert "the run quiet-ben has put its workers to sleep" in answer.message
    assert host.signals(pid) == ["TSTP"]
    assert remembered(host) == NEWER


def test_a_wake_for_one_run_leaves_a_host_alone_that_no_run_has_put_to_sleep(host: BareHost) -> None:
    host.imitate(beat=1)
    (pid,) = host.wait_for_workers(1)
    answer = host.ask("wake", run=OLDER)
    assert answer.summary() == (0, "left_alone")
    assert "quiet-ann has not put its workers to sleep" in answer.message
    assert host.signals(pid) == []


def test_a_wake_for_their_run_wakes_the_workers_and_it_is_forgotten(
    systemd: SystemdHost, redis: RedisServer
) -> None:
    systemd.add_service(sidekiq(redis))
    wait_for_workers(systemd, 1)
    assert ask(systemd, "stop", run=OLDER).summary() == (0, "stopped")
    (stopped,) = ask(systemd, "status").json["processes"]
    assert stopped["state"] == "stopped"
    assert stopped["since"] <= time.time()
    assert ask(systemd, "wake", run=NEWER).summary() == (0, "left_alone")
    assert ask(systemd, "wake", run=OLDER).summary() == (0, "awake")
    assert "asleep_by" not in ask(systemd, "status").json
    assert ask(systemd, "wake", run=OLDER).summary() == (0, "left_alone")
