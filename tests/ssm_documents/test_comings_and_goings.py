"""Processes that boot, are replaced, die, are suspended or are zombies while a host is quieted."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from tests.patience import eventually
from tests.ssm_documents.bare_host import IMITATION, BareHost, sidekiq_program
from tests.ssm_documents.supervisord import start_supervisord, tell_supervisord


def program_beside_a_worker(host: BareHost, folder: Path) -> Path:
    """A program that has to start Sidekiq yet, on a host with a worker that is up."""
    host.imitate(beat=1)
    host.wait_for_workers(1)
    return sidekiq_program(folder)


def test_a_worker_that_boots_is_not_signalled_before_its_title_and_is_quieted_then(
    host: BareHost, tmp_path: Path
) -> None:
    program = sidekiq_program(tmp_path / "bin")
    host.popen(["ruby", str(program), "boot=30", "beat=1", f"log={host.folder / 'events'}"])
    eventually(lambda: any("bin/sidekiq" in title for title in host.titles().values()), "it boots")

    status = host.ask("status")
    answer = host.ask("quiet")

    assert status.states == ["booting"]
    assert answer.summary() == (0, "quiet")
    assert [event for _, event in host.events()] == ["up", "TSTP"]


def test_a_worker_that_boots_under_bundler_s_one_word_title_is_waited_for(host: BareHost) -> None:
    # Bundler writes the program's path and all options into one word until Sidekiq writes its own title.
    loader = (
        "Process.setproctitle('/srv/app/vendor/bin/sidekiq -r ./app.rb -C config/sidekiq.yml'); "
        "load ARGV.shift"
    )
    # Its job takes longer than two looks are apart, so that it is quieted while it works.
    _, imitation, *settings = host.imitation(boot=20, beat=1, jobs="12")
    host.popen(["ruby", "-e", loader, imitation, *settings])
    host.imitate(beat=1, tag="up")
    (up,) = host.wait_for_workers(1)

    answer = host.ask("quiet")

    assert answer.summary() == (0, "quiet")
    (booted,) = set(host.workers()) - {up}
    assert host.signals(booted) == ["TSTP"]
    assert host.events()[-1] == (booted, "job ends")


# bash 4.2, which is Amazon Linux 2's, ends at a zero byte where newer ones are told to read on.
READ_OF_BASH_4_2 = (
    "BASH_FUNC_read%%=() { local _words=() _word; "
    'for _word; do if [[ $_word == -N ]]; then _words+=(-d "" -n); else _words+=("$_word"); fi; done; '
    'builtin read "${_words[@]}"; }'
)


def test_a_worker_that_boots_is_seen_by_an_old_bash_too(host: BareHost, tmp_path: Path) -> None:
    program = sidekiq_program(tmp_path / "bin")
    host.popen(["ruby", str(program), "boot=1000"])
    eventually(lambda: any("bin/sidekiq" in title for title in host.titles().values()), "it boots")

    answer = host.start("status", runner=[READ_OF_BASH_4_2, "bash"]).answer()

    assert answer.summary() == (0, "reported")
    assert answer.states == ["booting"]


def test_a_worker_that_boots_is_known_by_each_way_of_starting_sidekiq(host: BareHost, tmp_path: Path) -> None:
    for name in ("sidekiq", "bundle"):
        (tmp_path / name).write_text("sleep")
    sidekiq, bundle = str(tmp_path / "sidekiq"), str(tmp_path / "bundle")
    ways = [
        ["ruby", "-W", sidekiq],
        ["ruby", "-I", "lib", "-W1", sidekiq],
        ["ruby", bundle, "exec", "sidekiq"],
        ["ruby", bundle, "_1.17.3_", "exec", "sidekiq"],
        ["ruby", bundle, "--gemfile", "Gemfile", "exec", "sidekiq"],
        ["ruby", bundle, "exec", "env", "A=b", "sidekiq"],
    ]
    for way in ways:
        host.popen(way)
    eventually(lambda: len([1 for title in host.titles().values() if "ruby" in title]) == len(ways), "all")

    answer = host.ask("status")

    assert answer.summary() == (0, "reported")
    assert answer.states == ["booting"] * len(ways)


def test_a_worker_that_fails_to_start_is_waited_for_until_it_is_started_again(
    host: BareHost, tmp_path: Path
) -> None:
    program = program_beside_a_worker(host, tmp_path)
    again = f"ruby {program} boot=10 die=1; sleep 18; exec ruby {program} log={host.folder / 'events'} beat=1"
    host.popen(["sh", "-c", again])

    answer = host.ask("quiet")

    assert answer.summary() == (0, "quiet")
    assert answer.states == ["quiet", "quiet"]


def test_a_worker_that_keeps_failing_to_start_leaves_a_host_that_is_not_called_quiet(
    host: BareHost, tmp_path: Path
) -> None:
    program = program_beside_a_worker(host, tmp_path)
    host.popen(["sh", "-c", f"while :; do ruby {program} boot=3 die=1; sleep 2; done"])

    answer = host.ask("quiet")

    assert answer.summary() == (1, "unconfirmed")
    assert "A worker failed to start" in answer.message


def test_a_worker_that_a_deploy_starts_during_the_wait_is_quieted_and_waited_for_too(host: BareHost) -> None:
    host.imitate(jobs="14", beat=1)
    (old,) = host.wait_for_workers(1)
    command = host.start("quiet")
    eventually(lambda: host.signals(old), "the old one was told")
    host.imitate(jobs="16", beat=1, tag="new")
    new = next(pid for pid in host.wait_for_workers(2) if pid != old)

    answer = command.answer()

    assert answer.summary() == (0, "quiet")
    assert answer.states == ["quiet", "quiet"]
    assert [event for pid, event in host.events() if pid == new][-1] == "job ends"


def test_an_idle_worker_that_is_replaced_during_the_wait_does_not_end_the_proof_early(
    host: BareHost, tmp_path: Path
) -> None:
    program = sidekiq_program(tmp_path / "bin")
    host.imitate(beat=1)
    (old,) = host.wait_for_workers(1)
    command = host.quiet_and_end(old)
    eventually(lambda: old not in host.workers(), "the old one has left")
    # Its program's name shows that it boots, however long that takes.
    ruby, _, *settings = host.imitation(jobs="5", beat=1)
    host.popen([ruby, str(program), *settings])
    (new,) = host.wait_for_workers(1)

    answer = command.answer()

    assert answer.summary() == (0, "quiet")
    assert [process["pid"] for process in answer.json["processes"]] == [new]
    assert (new, "job ends") in host.events()


def test_a_worker_that_dies_while_busy_is_lost_and_the_host_not_quiet(host: BareHost) -> None:
    host.imitate(jobs="100,100", tag="backups", beat=1)
    host.imitate(beat=1)
    pids = host.wait_for_workers(2)
    busy = eventually(
        lambda: next((pid for pid in pids if "[2 of 3 busy]" in host.workers()[pid]), 0), "two jobs"
    )
    command = host.start("quiet")
    eventually(lambda: host.signals(busy), "it was told")
    host.kill(busy, signal.SIGKILL)

    answer = command.answer()

    assert answer.summary() == (1, "unconfirmed")
    assert answer.states == ["lost", "quiet"]
    assert answer.json["processes"][0]["busy"] == 2
    assert f"Process {busy} (backups) is lost" in answer.message


def test_a_worker_that_dies_with_a_job_that_its_title_does_not_show_yet_is_lost(host: BareHost) -> None:
    # Its title is as old as its heartbeat: the threads that are left tell that a job runs.
    host.imitate(jobs="1000", title="sidekiq 6.4.1 app [0 of 3 busy]", beat=1)
    (pid,) = host.wait_for_workers(1)
    host.imitate(beat=1)
    host.wait_for_workers(2)
    command = host.start("quiet")
    eventually(lambda: host.signals(pid), "it is asked for quiet")
    began = time.monotonic()
    eventually(lambda: time.monotonic() - began > 30, "its idle threads have ended, as far as can be known")
    host.kill(pid, signal.SIGKILL)

    answer = command.answer()

    assert answer.summary() == (1, "unconfirmed")
    assert (
        f"Process {pid} (app) is lost: it ended while its title or its threads showed 1 job" in answer.message
    )


def test_a_suspended_worker_is_resumed_then_quieted_and_its_job_ends(host: BareHost) -> None:
    host.imitate(jobs="6", beat=1)
    (pid,) = host.wait_for_workers(1)
    eventually(lambda: "[1 of 3 busy]" in host.workers()[pid], "a job")
    host.kill(pid, signal.SIGSTOP)
    eventually(lambda: host.state(pid) == "T", "it is suspended")

    status = host.ask("status")
    answer = host.ask("quiet")

    assert status.states == ["suspended"]
    assert answer.summary() == (0, "quiet")
    assert "sent CONT" in host.log()
    assert (pid, "job ends") in host.events()


def test_a_worker_that_is_suspended_after_it_was_quieted_is_not_proven_until_it_runs_again(
    host: BareHost,
) -> None:
    host.imitate(beat=1)
    (pid,) = host.wait_for_workers(1)
    command = host.start("quiet")
    eventually(lambda: "stopping" in host.workers()[pid], "it is quieted")
    host.kill(pid, signal.SIGSTOP)

    answer = command.answer()

    assert answer.summary() == (0, "quiet")
    assert "sent CONT" in host.log()
    assert host.state(pid) not in {"T", ""}


def test_a_worker_that_booted_into_suspension_is_left_alone_and_named(host: BareHost, tmp_path: Path) -> None:
    program = tmp_path / "sidekiq"
    program.symlink_to(IMITATION)
    process = host.popen(["sh", "-c", '"$@"; exit $?', "sh", "ruby", str(program), "boot=1000"])
    pid = eventually(
        lambda: next((p for p, t in host.titles().items() if "boot=1000" in t and t.startswith("ruby")), 0),
        "it boots",
    )
    host.kill(pid, signal.SIGSTOP)

    answer = host.ask("quiet", limit=60)

    assert answer.summary() == (2, "busy")
    assert answer.states == ["suspended"]
    assert (process.poll(), host.state(pid)) == (None, "T")


def test_a_zombie_is_no_worker(host: BareHost) -> None:
    # Its parent never waits for it.
    title = "$0 = 'sidekiq 6.4.1 app [1 of 1 busy]'"
    program = (
        "import os, time\n"
        f"if os.fork() == 0:\n os.execvp('ruby', ['ruby', '-e', {title!r}])\n"
        "time.sleep(1000)"
    )
    host.popen(["python3", "-c", program])
    eventually(lambda: any(host.state(pid) == "Z" for pid in range(2, 20)), "a zombie")

    answer = host.ask("quiet")
    assert answer.summary() == (3, "no_worker")
    # Whoever judges it has to know whether the host has only just booted.
    up = float(Path("/proc/uptime").read_text().split()[0])
    assert up - 60 < answer.json["up"] <= up


def test_workers_that_end_by_themselves_leave_a_host_that_is_not_called_quiet(host: BareHost) -> None:
    host.imitate(beat=1)
    (pid,) = host.wait_for_workers(1)
    command = host.quiet_and_end(pid)

    answer = command.answer()

    assert answer.summary() == (1, "unconfirmed")
    assert "ended during the command" in answer.message


def test_a_launcher_of_the_application_s_own_that_the_settings_name_boots_a_worker(host: BareHost) -> None:
    host.imitate(beat=1)
    (up,) = host.wait_for_workers(1)
    host.popen(host.imitation(boot=20, beat=1, jobs="2"))

    answer = host.start("quiet", launchers=["bin/worker", "ssm_documents/imitation.rb"]).answer()

    assert answer.summary() == (0, "quiet")
    (booted,) = set(host.workers()) - {up}
    assert host.signals(booted) == ["TSTP"]


def test_a_program_without_a_title_boots_a_worker_when_its_supervisor_s_entry_has_run_one_before(
    host: BareHost,
) -> None:
    seconds = host.folder / "boot"
    seconds.write_text("0")
    worker = " ".join(host.imitation(beat=1))
    start_supervisord(host, {"worker": f"sh -c 'exec {worker} boot=$(cat {seconds})'"})
    host.wait_for_workers(1)
    assert host.ask("quiet").summary() == (0, "quiet")
    seconds.write_text("20")
    tell_supervisord(host, "restart", "worker")

    answer = host.ask("quiet")

    assert answer.summary() == (0, "quiet")
    (booted,) = host.workers()
    assert host.signals(booted) == ["TSTP"]
