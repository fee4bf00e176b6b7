"""What stop has written down for wake: kept for as long as it is needed, and no longer."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from infra.script_modules import ScriptModules
from tests.patience import eventually
from tests.ssm_documents.bare_host import BareHost
from tests.ssm_documents.supervisord import start_supervisord, tell_supervisord

MODULES = ScriptModules()


@pytest.mark.parametrize("name", [r"a\x2db", "$HOME", "it's", 'a"b', "a]b", "`id`", "*"])
def test_what_was_stopped_is_forgotten_whatever_its_name_is(tmp_path: Path, name: str) -> None:
    names = ("clock", "host_folder", "processes", "supervisor_names", "supervisord", "stopped_record")
    modules = "".join(map(MODULES.text, names)).replace("/run/snow-white", str(tmp_path))
    program = (
        f"set -eu\n{modules}\n"
        "supervisorctl_of() { SUPERVISORCTL=(ctl -c file); }; "
        'run_client() { CLIENT_OUTPUT="$name RUNNING pid 7, up"; }; DEADLINE=99999999999; '
        "name=$1; find_program 1 ' 7 '; record_down other 1; record_down \"$SUPERVISOR\" 2; write_stopped; "
        'cat $HOST_FOLDER/stopped; record_up "$SUPERVISOR"; write_stopped; read_stopped; '
        'printf "\\n%s" "${!DOWN[@]}"'
    )
    words = ["bash", "-c", program, "bash", name]
    told = subprocess.run(words, check=True, capture_output=True, text=True).stdout

    before, _, after = told.partition("\n\n")
    remembered = {tuple(line.split("\t")[:2] + line.split("\t")[3:]) for line in before.splitlines()}
    assert remembered == {("other", "1", ""), (f"supervisord:{name}", "2", "ctl\x1f-c\x1ffile\x1f")}
    assert after == "other"


def start_by_hand(host: BareHost, tag: str = "by-hand") -> None:
    """A worker that nobody looks after."""
    there = len(host.workers())
    host.popen(["bash", "-c", f"setsid {' '.join(host.imitation(beat=1, tag=tag))} & exit"])
    host.wait_for_workers(there + 1)


def write_program(host: BareHost, name: str, text: str) -> str:
    program = host.folder / name
    program.write_text(f"#!/bin/bash\n{text}\n")
    program.chmod(0o755)
    return str(program)


def tags(host: BareHost) -> list[str]:
    return sorted(title.split()[2] for title in host.workers().values())


def test_what_wake_ended_and_could_not_bring_back_is_started_by_the_next_wake(host: BareHost) -> None:
    works = f"exec {' '.join(host.imitation(beat=1, tag='b'))}"
    once = "\nstartsecs=1\nstartretries=1"
    a = " ".join(host.imitation(beat=1, tag="a"))
    start_supervisord(host, {"a": a + once, "b": write_program(host, "b", works) + once})
    host.wait_for_workers(2)
    assert host.ask("quiet").summary() == (0, "quiet")

    write_program(host, "b", "exit 1")
    first = host.ask("wake", limit=60)
    write_program(host, "b", works)
    second = host.ask("wake")

    assert first.summary() == (1, "unconfirmed")
    assert "supervisord:b did not come back" in first.message
    assert second.summary() == (0, "awake")
    assert tags(host) == ["a", "b"]


def test_what_was_stopped_is_still_known_after_its_supervisor_was_down(host: BareHost) -> None:
    command = " ".join(host.imitation(beat=1))
    supervisord = start_supervisord(host, {"a": command})
    host.wait_for_workers(1)
    assert host.ask("stop").summary() == (0, "stopped")
    host.kill(int((host.folder / "supervisord.pid").read_text()), signal.SIGTERM)
    eventually(lambda: supervisord.poll() is not None, "supervisord is down")

    down = host.ask("wake", limit=60)
    start_supervisord(host, {"a": f"{command}\nautostart=false"})
    eventually((host.folder / "supervisor.sock").exists, "supervisord is up")
    up = host.ask("wake")

    assert down.summary() == (1, "unconfirmed")
    assert "supervisord:a did not come back" in down.message
    assert up.summary() == (0, "awake")


def test_a_worker_that_came_back_by_itself_does_not_stand_for_one_that_did_not(host: BareHost) -> None:
    start_supervisord(host, {"a": " ".join(host.imitation(beat=1, tag="a"))})
    host.wait_for_workers(1)
    start_by_hand(host)
    assert host.ask("stop").summary() == (0, "stopped")

    first = host.ask("wake")
    tell_supervisord(host, "restart", "a")
    host.wait_for_workers(1)
    second = host.ask("wake")
    start_by_hand(host, "again")
    third = host.ask("wake")

    missing = "Not started: 1 process (none). No supervisor can be told to: start by hand"
    assert [first.summary(), second.summary()] == [(1, "unconfirmed")] * 2
    assert missing in first.message
    assert missing in second.message
    assert third.summary() == (0, "awake")
    assert tags(host) == ["a", "again"]
    assert host.ask("wake").summary() == (0, "awake")


def test_a_worker_that_stop_left_alone_and_a_deploy_restarted_does_not_stand_for_one_that_is_gone(
    host: BareHost,
) -> None:
    worker = " ".join(host.imitation(beat=1, tag="a"))
    beside = write_program(host, "a", f"sleep 12345 &\n{worker}\nexit")
    start_supervisord(host, {"a": f"{beside}\nstopasgroup=true"})
    host.wait_for_workers(1)
    start_by_hand(host)
    stopped = host.ask("stop")
    assert "supervisord:a was not stopped: it also runs sleep (" in stopped.message
    assert tags(host) == ["a"]

    write_program(host, "a", f"exec {worker}")
    tell_supervisord(host, "restart", "a")
    host.wait_for_workers(1)
    woken = host.ask("wake")

    assert woken.summary() == (1, "unconfirmed")
    assert "Not started: 1 process (none). No supervisor can be told to: start by hand" in woken.message


def test_who_was_ended_by_two_stops_without_a_wake_between_is_missed_as_a_whole(host: BareHost) -> None:
    for tag in ("one", "two"):
        start_by_hand(host, tag)
    assert host.ask("stop").summary() == (0, "stopped")
    start_by_hand(host, "one")
    assert host.ask("stop").summary() == (0, "stopped")

    woken = host.ask("wake")

    assert woken.summary() == (1, "unconfirmed")
    assert "Not started: 2 processes (none). No supervisor can be told to" in woken.message


def test_who_is_started_by_hand_stands_for_who_was_ended_by_each_of_two_stops(host: BareHost) -> None:
    supervisord = start_supervisord(host, {"a": " ".join(host.imitation(beat=1))})
    host.wait_for_workers(1)
    start_by_hand(host)
    assert host.ask("stop").summary() == (0, "stopped")
    host.kill(int((host.folder / "supervisord.pid").read_text()), signal.SIGTERM)
    eventually(lambda: supervisord.poll() is not None, "a cannot be started")

    start_by_hand(host)
    first = host.ask("wake", limit=60)
    assert host.ask("stop").summary() == (0, "stopped")
    start_by_hand(host)
    second = host.ask("wake", limit=60)

    for woken in (first, second):
        assert woken.summary() == (1, "unconfirmed")
        assert "supervisord:a did not come back" in woken.message
        assert "(none)" not in woken.message


def test_an_earlier_stop_says_nothing_of_a_worker_that_ends_during_quiet(host: BareHost) -> None:
    start_by_hand(host)
    assert host.ask("stop").summary() == (0, "stopped")
    start_by_hand(host, "new")
    (pid,) = host.workers()

    answer = host.quiet_and_end(pid).answer()

    assert answer.summary() == (1, "unconfirmed")
    assert "ended during the command" in answer.message
