"""Two commands on one host at once, and commands that were killed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.patience import eventually
from tests.ssm_documents.bare_host import Answer, BareHost, Command


def has_the_host(host: BareHost, command: Command) -> bool:
    """Whether some command holds the host's lock."""
    assert command.is_running
    return host.exists("/run/snow-white/command")


def start_work(host: BareHost) -> tuple[int, Path]:
    """A worker whose one job lasts until the returned file is there."""
    release = host.folder / "release"
    host.imitate(jobs="1", until=release, beat=1)
    (pid,) = host.wait_for_workers(1)
    eventually(lambda: (pid, "job begins") in host.events(), "its job runs")
    return pid, release


def without_its_time(answer: Answer) -> str:
    """The line without the seconds from the start of its own command."""
    return answer.line.rpartition(',"took":')[0]


def test_the_same_action_joins_the_one_that_runs_and_ends_with_the_same_answer(host: BareHost) -> None:
    pid, release = start_work(host)
    first = host.start("quiet")
    eventually(lambda: host.signals(pid), "the first is at work")
    time.sleep(3)

    others = [host.start("quiet", limit=limit) for limit in (300, 600, 7200)]
    eventually(lambda: host.log().count("waits for the quiet command") == len(others), "all have joined")
    release.touch()

    answers = [command.answer() for command in (first, *others)]
    assert [answer.summary() for answer in answers] == [(0, "quiet")] * 4
    assert len({without_its_time(answer) for answer in answers}) == 1
    took, *others_took = [answer.json["took"] for answer in answers]
    assert all(12 <= seconds <= took - 3 for seconds in others_took)
    assert host.signals(pid) == ["TSTP"]


@pytest.mark.parametrize("other", ["stop", "wake"])
def test_a_different_action_is_refused_and_told_which_one_is_at_work(host: BareHost, other: str) -> None:
    pid, release = start_work(host)
    quiet = host.start("quiet")
    eventually(lambda: host.signals(pid), "quiet is at work")

    refused = host.ask(other)
    release.touch()

    assert refused.summary() == (1, "unconfirmed")
    assert refused.message.startswith("A quiet command (process ")
    assert f"so {other} did nothing" in refused.message
    assert refused.json["again"] is True
    assert quiet.answer().summary() == (0, "quiet")
    assert host.signals(pid) == ["TSTP"]


def test_status_is_answered_while_another_command_is_at_work_and_names_it(host: BareHost) -> None:
    host.imitate(jobs="100", beat=1)
    (pid,) = host.wait_for_workers(1)
    quiet = host.start("quiet")
    eventually(lambda: "stopping" in host.workers()[pid], "quiet is at work")

    status = host.ask("status")

    assert status.summary() == (0, "reported")
    assert (status.states, status.json["processes"][0]["busy"]) == (["quieting"], 1)
    assert "A quiet command is running (process " in status.message
    assert status.json["at_work"] == "quiet"
    quiet.kill()


def test_a_command_that_was_killed_leaves_no_lock_that_would_hold_up_the_next(host: BareHost) -> None:
    host.imitate(beat=1)
    host.wait_for_workers(1)
    killed = host.start("stop")
    eventually(lambda: has_the_host(host, killed), "stop is at work")
    killed.kill()

    answers = [command.answer() for command in [host.start("quiet") for _ in range(5)]]

    assert [answer.summary() for answer in answers] == [(0, "quiet")] * 5
    assert len({without_its_time(answer) for answer in answers}) == 1


def test_who_joined_a_command_that_is_killed_goes_on_in_its_place(host: BareHost) -> None:
    host.imitate(beat=1)
    (pid,) = host.wait_for_workers(1)
    first = host.start("quiet")
    eventually(lambda: host.signals(pid), "the first is at work")
    second = host.start("quiet")
    eventually(lambda: host.exists("/run/snow-white/claim.*"), "the second has joined")

    first.kill()

    assert second.answer().summary() == (0, "quiet")


def test_a_lock_of_a_process_number_that_is_used_again_is_no_lock(host: BareHost) -> None:
    host.imitate(beat=1)
    host.wait_for_workers(1)
    host.run(["sh", "-c", "mkdir -m 700 /run/snow-white; echo '1:12345 wake' >/run/snow-white/command"])

    assert host.ask("quiet").summary() == (0, "quiet")


def test_a_folder_that_somebody_else_has_made_is_not_trusted(host: BareHost) -> None:
    host.imitate(beat=1)
    (pid,) = host.wait_for_workers(1)
    host.run(["sh", "-c", "mkdir /run/snow-white; chown 65534 /run/snow-white"])

    answer = host.ask("quiet")

    assert answer.summary() == (1, "unconfirmed")
    assert "Cannot create the folder /run/snow-white, or another user owns it." in answer.message
    assert host.signals(pid) == []


def test_who_joined_a_command_whose_time_is_over_goes_on_by_its_own_time(host: BareHost) -> None:
    pid, release = start_work(host)
    first = host.start("quiet", limit=60)
    eventually(lambda: host.signals(pid), "the first is at work")
    second = host.start("quiet")

    assert first.answer().summary() == (2, "busy")
    release.touch()
    assert second.answer().summary() == (0, "quiet")
    assert [event for _, event in host.events()].count("job ends") == 1
