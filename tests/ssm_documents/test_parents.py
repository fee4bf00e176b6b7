"""Workers that nobody looks after, or a parent that can be told nothing."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from tests.patience import eventually
from tests.ssm_documents.bare_host import IMITATION, BareHost
from tests.ssm_documents.supervisord import start_supervisord


def test_a_parent_that_starts_workers_again_is_not_fought_by_stop_and_does_the_work_of_wake(
    host: BareHost,
) -> None:
    imitation = " ".join(host.imitation(beat=1))
    host.popen(["bash", "-c", f"while :; do {imitation}; done"])
    (pid,) = host.wait_for_workers(1)

    stopped = host.ask("stop")

    assert stopped.summary() == (1, "unconfirmed")
    assert "would start them again and cannot be told not to" in stopped.message
    assert host.wait_for_workers(1) == [pid]
    assert host.ask("quiet").summary() == (0, "quiet")

    woken = host.ask("wake")

    assert woken.summary() == (0, "awake")
    assert host.wait_for_workers(1) != [pid]
    assert (pid, "left") in host.events()


def start_under_a_parent_that_can_be_held(host: BareHost) -> Path:
    """A parent that starts its worker again, and does not while the returned file is there."""
    hold = host.folder / "hold"
    imitation = " ".join(host.imitation(beat=1))
    host.popen(["bash", "-c", f"while :; do {imitation}; while [ -e {hold} ]; do sleep 0.2; done; done"])
    return hold


def test_a_wake_that_is_killed_has_written_down_what_it_ended(host: BareHost) -> None:
    hold = start_under_a_parent_that_can_be_held(host)
    host.wait_for_workers(1)
    assert host.ask("quiet").summary() == (0, "quiet")
    hold.touch()
    killed = host.start("wake")
    eventually(lambda: not host.workers(), "the quiet worker is ended")
    killed.kill()

    woken = host.ask("wake")

    assert woken.summary() == (1, "unconfirmed")
    assert "Not started: 1 process (parent:bash(" in woken.message


def test_what_stop_left_alone_and_wake_ended_counts_as_back_when_its_parent_has_started_it(
    host: BareHost,
) -> None:
    hold = start_under_a_parent_that_can_be_held(host)
    start_supervisord(host, {"a": " ".join(host.imitation(beat=1))})
    host.wait_for_workers(2)
    assert host.ask("stop").summary() == (1, "unconfirmed")
    hold.touch()
    missed = host.ask("wake", limit=60)
    hold.unlink()
    host.wait_for_workers(2)

    woken = host.ask("wake")

    assert missed.summary() == (1, "unconfirmed")
    assert woken.summary() == (0, "awake")


def test_a_worker_that_its_parent_does_not_start_again_is_missed_by_every_wake_until_it_does(
    host: BareHost,
) -> None:
    hold = start_under_a_parent_that_can_be_held(host)
    host.wait_for_workers(1)
    assert host.ask("quiet").summary() == (0, "quiet")

    hold.touch()
    missed = [host.ask("wake", limit=60) for _ in range(2)]
    quieted = host.ask("quiet")
    hold.unlink()
    host.wait_for_workers(1)
    woken = host.ask("wake")

    assert [answer.summary() for answer in missed] == [(1, "unconfirmed")] * 2
    assert "did not come back after its quiet processes were ended" in missed[0].message
    assert "Not started: 1 process (parent:bash(" in missed[1].message
    assert quieted.summary() == (1, "unconfirmed")
    assert "has not started again what wake ended" in quieted.message
    assert woken.summary() == (0, "awake")


def test_a_script_that_starts_workers_again_is_known_whatever_options_the_worker_has(host: BareHost) -> None:
    # Sidekiq's own -c is no option of the shell that runs the script.
    script = host.folder / "respawn.sh"
    script.write_text('shift 2; while :; do "$@"; sleep 20; done\n')
    host.popen(["bash", str(script), "-c", "10", *host.imitation(beat=1)])
    pids = host.wait_for_workers(1)

    stopped = host.ask("stop")

    assert stopped.summary() == (1, "unconfirmed")
    assert "parent:bash(" in stopped.message
    assert host.wait_for_workers(1) == pids


def test_without_a_supervisor_stop_ends_the_quiet_worker_and_wake_says_who_must_start_it(
    host: BareHost,
) -> None:
    host.imitate(jobs="5", beat=1)
    (pid,) = host.wait_for_workers(1)

    stopped = host.ask("stop")
    woken = host.ask("wake")

    assert stopped.summary() == (0, "stopped")
    assert [event for process, event in host.events() if process == pid][-2:] == ["TERM", "left"]
    assert (pid, "job ends") in host.events()
    assert woken.summary() == (1, "unconfirmed")
    assert "No supervisor can be told to: start by hand" in woken.message


def test_without_a_supervisor_wake_leaves_a_quiet_worker_and_says_what_to_do(host: BareHost) -> None:
    host.imitate(beat=1)
    (pid,) = host.wait_for_workers(1)
    assert host.ask("quiet").code == 0

    woken = host.ask("wake")

    assert woken.summary() == (1, "unconfirmed")
    assert f"Still quiet: {pid}. No supervisor can restart them" in woken.message
    assert host.signals(pid) == ["TSTP"]


def test_what_takes_a_stopped_worker_s_place_is_named_even_if_its_title_cannot_be_read(
    host: BareHost,
) -> None:
    first = host.imitation(beat=1)
    second = host.imitation(beat=1, title="sidekiq 6.4.1 " + "x" * 60)
    program = 'n=$1; shift; "${@:1:n}"; "${@:n+1}"; exit $?'
    host.popen(["bash", "-c", program, "bash", str(len(first)), *first, *second])
    (pid,) = host.wait_for_workers(1)

    stopped = host.ask("stop")

    assert stopped.summary() == (1, "unconfirmed")
    (other,) = host.wait_for_workers(1)
    assert other != pid
    assert f"Process {other} was started after the stop" in stopped.message
    assert host.signals(other) == []


def test_wake_does_not_call_a_worker_awake_whose_title_cannot_be_read(host: BareHost) -> None:
    host.imitate(beat=1)
    host.imitate(title="sidekiq 6.4.1 " + "x" * 60, beat=1)
    host.wait_for_workers(2)

    woken = host.ask("wake")

    assert woken.summary() == (1, "unconfirmed")
    assert "may not be awake: its title cannot be read" in woken.message


def test_a_worker_that_a_poller_looks_after_is_not_called_stopped(host: BareHost) -> None:
    # monit and its like start a worker as a daemon and look every minute whether it is there.
    (host.folder / "monit").symlink_to("/bin/sleep")
    host.popen([str(host.folder / "monit"), "3000"])
    host.popen(["bash", "-c", f"setsid {' '.join(host.imitation(beat=1))} & exit"])
    pids = host.wait_for_workers(1)

    stopped = host.ask("stop")

    assert stopped.summary() == (1, "unconfirmed")
    assert "parent:monit(" in stopped.message
    assert host.wait_for_workers(1) == pids


def test_a_child_of_a_swarm_is_not_ended_by_stop_since_it_would_come_back_awake(host: BareHost) -> None:
    swarm = (
        "$0 = 'sidekiqswarm, managing 1 processes'; "
        "loop { Process.wait(spawn('ruby', *ARGV)); File.write(ARGV[1][4..] + '.again', '') }"
    )
    log, *rest = host.imitation(beat=1)[2:]
    host.popen(["sh", "-c", '"$@"; exit $?', "sh", "ruby", "-e", swarm, str(IMITATION), log, *rest])
    (pid,) = host.wait_for_workers(1)

    stopped = host.ask("stop")

    assert stopped.summary() == (1, "unconfirmed")
    assert "parent:sidekiqswarm(" in stopped.message
    assert host.wait_for_workers(1) == [pid]
    woken = host.ask("wake")
    assert woken.summary() == (0, "awake")
    assert host.wait_for_workers(1) != [pid]


def test_a_quiet_worker_beside_others_under_a_parent_that_is_not_known_is_left_to_people(
    host: BareHost,
) -> None:
    # As foreman: the end of one child is the end of all.
    foreman = (
        "import json, os, subprocess, sys\n"
        "children = [subprocess.Popen(command) for command in json.loads(sys.argv[1])]\n"
        "os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)\n"
        "for child in children: child.terminate()\n"
        "for child in children: child.wait()\n"
    )
    children = [host.imitation(beat=1, tag="quiet"), host.imitation(beat=1, jobs="1000")]
    host.popen(["python3", "-c", foreman, json.dumps(children)])
    pids = host.wait_for_workers(2)
    (quiet,) = [pid for pid, title in host.workers().items() if "quiet" in title]
    host.kill(quiet, signal.SIGTSTP)
    eventually(lambda: "stopping" in host.workers()[quiet], "it is quieted")

    woken = host.ask("wake")

    assert woken.summary() == (1, "unconfirmed")
    assert "Restart it by hand" in woken.message
    assert host.wait_for_workers(2) == pids
    assert "TERM" not in {event for _, event in host.events()}
