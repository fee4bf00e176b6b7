"""Each Sidekiq from 4.0 to 8 gets the signal that it understands, and is believed by its own threads' names."""

from __future__ import annotations

import re
import signal
from pathlib import Path

from tests.patience import eventually
from tests.ssm_documents.bare_host import Answer, BareHost

SIGNAL_BY_VERSION = {
    "4.0.2": "USR1",
    "4.2.8": "USR1",
    "4.2.10": "TSTP",
    "5.2.10": "TSTP",
    "6.0.7": "TSTP",
    "6.5.12": "TSTP",
    "7.0.9": "TSTP",
    "7.3.10": "TSTP",
    "8.1.7": "TSTP",
}


def quiet_one(host: BareHost, limit: int = 600, **settings: object) -> Answer:
    """Quiet a host with one imitated worker of these settings; `limit` is in seconds."""
    host.imitate(**settings)
    host.wait_for_workers(1)
    return host.ask("quiet", limit)


def test_workers_of_nine_versions_on_one_host_are_quieted_each_by_its_signal_and_lose_no_job(
    host: BareHost,
) -> None:
    for version in SIGNAL_BY_VERSION:
        host.imitate(version=version, jobs="6,9", capsules="default,single" if version >= "7" else "default")
    pids = host.wait_for_workers(len(SIGNAL_BY_VERSION))
    versions = {pid: host.workers()[pid].split()[1] for pid in pids}

    answer = host.ask("quiet")

    assert answer.summary() == (0, "quiet")
    assert answer.states == ["quiet"] * len(SIGNAL_BY_VERSION)
    for pid, version in versions.items():
        assert set(host.signals(pid)) == {SIGNAL_BY_VERSION[version]}, version
    begun = [pid for pid, event in host.events() if event == "job begins"]
    assert sorted(begun) == sorted(pid for pid, event in host.events() if event == "job ends")
    assert len(begun) == 2 * len(SIGNAL_BY_VERSION)


def test_a_title_that_says_0_busy_stopping_is_not_believed_while_a_thread_could_still_work(
    host: BareHost,
) -> None:
    for version in ("4.2.10", "6.4.1", "7.0.9", "8.1.7"):
        host.imitate(version=version, stuck=1, beat=1)
    # Capsules whose names leave no room for what the thread is, or look like the heartbeat's.
    host.imitate(version="7.0.9", capsules="averyveryverylongname", stuck=1, beat=1)
    host.imitate(version="7.2.4", capsules="heartbeat", stuck=1, beat=1)
    host.wait_for_workers(6)

    answer = host.ask("quiet", limit=60)

    assert answer.summary() == (2, "busy")
    assert answer.states == ["quieting"] * 6
    assert "its title says 0 busy, but 1 thread may still run a job" in answer.message


def test_a_job_that_was_fetched_before_quiet_and_starts_long_after_it_is_waited_for(host: BareHost) -> None:
    host.imitate(sneak=13, beat=5)
    host.imitate(sneak=13, version="7.3.10", beat=5)
    host.wait_for_workers(2)

    answer = host.ask("quiet")

    assert answer.summary() == (0, "quiet")
    assert [event for _, event in host.events()].count("sneaked job ends") == 2


def test_threads_without_names_beside_a_named_heartbeat_are_all_taken_for_threads_that_may_work(
    host: BareHost,
) -> None:
    answer = quiet_one(host, limit=60, version="7.0.9", names="component.rb:9", size=1, stuck=1, beat=1)

    assert answer.summary() == (2, "busy")
    assert "its title says 0 busy, but 1 thread may still run a job" in answer.message


def test_a_capsule_s_name_that_fills_a_thread_s_may_hold_any_characters(host: BareHost) -> None:
    host.imitate(version="7.0.9", capsules="EmailCriticalQueue", stuck=1, beat=1)
    host.imitate(version="7.0.9", capsules="nightly backups", stuck=1, beat=1)
    host.wait_for_workers(2)

    answer = host.ask("quiet", limit=60)

    assert answer.summary() == (2, "busy")
    assert answer.states == ["quieting"] * 2


def test_a_thread_that_a_job_renames_is_waited_for_under_any_name(host: BareHost) -> None:
    host.imitate(disguise="import-worker", beat=1)
    host.imitate(disguise="import-worker", version="5.2.10", beat=1)
    host.imitate(disguise="import-worker", version="8.1.7", beat=1)
    host.wait_for_workers(3)

    answer = host.ask("quiet")

    assert answer.summary() == (0, "quiet")
    assert [event for _, event in host.events()].count("disguised job ends") == 3


def test_a_worker_whose_threads_had_other_names_before_it_was_quieted_is_never_proven_quiet(
    host: BareHost,
) -> None:
    answer = quiet_one(host, names="import.rb:12", beat=1)

    assert answer.summary() == (1, "unconfirmed")
    assert "not all of its 3 threads for jobs were identified" in answer.message
    # What was not known before it was quieted is not known to a later command either.
    assert host.ask("status").states == ["quieting"]


def test_a_worker_that_cannot_be_proven_quiet_does_not_keep_the_others_of_its_host_asleep(
    host: BareHost,
) -> None:
    host.imitate(names="import.rb:12", beat=1)
    host.wait_for_workers(1)
    first = host.start("quiet")
    eventually(lambda: "TSTP" in dict(host.events()).values(), "it is asked to be quiet")
    first.kill()
    host.popen(["sh", "-c", 'while :; do "$@"; done', "sh", *host.imitation(beat=1, tag="proven")])
    (unproven,) = host.workers()
    host.wait_for_workers(2)
    (proven,) = set(host.workers()) - {unproven}
    host.kill(proven, signal.SIGTSTP)
    eventually(lambda: all("stopping" in title for title in host.workers().values()), "both say so")

    woken = host.ask("wake")

    assert woken.summary() == (1, "unconfirmed")
    assert f"Process {unproven} (app) was left as it is: not all of its 3 threads" in woken.message
    assert sorted(woken.states) == ["awake", "quieting"]
    assert host.signals(unproven) == ["TSTP"]


def test_the_next_command_knows_too_which_threads_a_worker_had_before_it_was_quieted(host: BareHost) -> None:
    host.imitate(disguise="import-worker", beat=1)
    host.wait_for_workers(1)
    first = host.start("quiet")
    eventually(lambda: "TSTP" in dict(host.events()).values(), "it is asked to be quiet")
    first.kill()

    answer = host.ask("quiet")

    assert answer.summary() == (0, "quiet")
    assert [event for _, event in host.events()].count("disguised job ends") == 1


def test_the_scheduler_s_thread_does_not_stand_in_for_one_that_a_job_has_renamed_before(
    host: BareHost,
) -> None:
    for version in ("4.2.10", "5.2.10", "7.1.6", "8.1.7"):
        host.imitate(version=version, names="import-worker", disguise="import-worker", beat=1, size=1)
    host.wait_for_workers(4)

    answer = host.ask("quiet")

    assert answer.summary() == (0, "quiet")
    assert [event for _, event in host.events()].count("disguised job ends") == 4


def test_a_renamed_thread_of_a_worker_that_was_quieted_by_hand_is_waited_for(host: BareHost) -> None:
    for version in ("5.2.10", "6.5.12", "7.0.9", "8.1.7"):
        host.imitate(version=version, disguise="import-worker", beat=1)
    pids = host.wait_for_workers(4)
    for pid in pids:
        host.kill(pid, signal.SIGTSTP)
    eventually(lambda: all("stopping" in title for title in host.workers().values()), "all say so")

    answer = host.ask("stop")

    assert answer.summary() == (0, "stopped")
    assert [event for _, event in host.events()].count("disguised job ends") == 4


def test_threads_that_only_have_the_name_of_one_for_jobs_keep_no_worker_from_being_quiet(
    host: BareHost,
) -> None:
    for version in ("5.2.10", "6.5.12", "7.0.9", "8.1.7"):
        host.imitate(version=version, inherit=2, beat=1)
    host.wait_for_workers(4)
    eventually(lambda: all(thread_count(host, pid) == 9 for pid in host.workers()), "all threads are there")

    assert host.ask("quiet").summary() == (0, "quiet")
    assert host.ask("quiet").summary() == (0, "quiet"), "a later command knows it too"


def test_a_thread_that_may_have_only_the_name_of_one_for_jobs_is_named_long_before_time_is_over(
    host: BareHost,
) -> None:
    host.imitate(inherit=1, beat=1)
    (pid,) = host.wait_for_workers(1)
    eventually(lambda: thread_count(host, pid) == 8, "all threads are there")
    host.kill(pid, signal.SIGTSTP)
    eventually(lambda: "stopping" in host.workers()[pid], "it is quieted by hand")

    answer = host.ask("quiet", limit=3600)

    assert answer.summary() == (1, "unconfirmed")
    assert re.search(r"1 thread may still run a job \(\d+ processor\), or only be called so", answer.message)


def thread_count(host: BareHost, pid: int) -> int:
    """How many threads a process has, its main one included."""
    return len(list(Path(f"/proc/{host.init_pid}/root/proc/{pid}/task").iterdir()))
