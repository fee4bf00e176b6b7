"""What a real host answers to a recheck, judged as a run judges it: whether it still rests as it was confirmed to."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

from snow_white.aws.run_command import Command, Invocation
from snow_white.judgement.assessment import Assessment
from snow_white.judgement.rechecks import after_answer, is_recheckable
from snow_white.judgement.verdict import judge
from snow_white.model.action import Action
from snow_white.model.fleet import Instance
from tests.patience import eventually
from tests.ssm_documents.bare_host import Answer, BareHost, sidekiq_program

ASKED_AT = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
RECHECKED_AT = ASKED_AT + timedelta(minutes=4)
BOTH = (1, 2)


def invocation(answer: Answer) -> Invocation:
    status = "failed" if answer.code else "success"
    return Invocation("c-1", "i-1", status, answer.stdout.decode(), answer.code, None)


def confirmed(action: Action, answer: Answer) -> Assessment:
    instance = Instance("i-1", "shop-workers", ASKED_AT - timedelta(days=3))
    assessment = Assessment(instance, judge(action, invocation(answer)), ASKED_AT)
    assert assessment.confirmed
    assert is_recheckable(assessment)
    return assessment


def recheck(action: Action, known: Assessment, host: BareHost) -> Assessment | None:
    command = Command("c-1", ("i-1",), RECHECKED_AT, ended=True, completed=1)
    return after_answer(action, known, command, invocation(host.ask("status")))


def test_workers_that_still_rest_are_confirmed_from_then_on_and_get_no_signal(host: BareHost) -> None:
    for _ in BOTH:
        host.imitate(beat=1)
    pids = host.wait_for_workers(len(BOTH))
    known = confirmed(Action.QUIET, host.ask("quiet"))

    again = recheck(Action.QUIET, known, host)

    assert again is not None
    assert (again.confirmed, again.refuted) == (True, False)
    true_at = again.true_at(RECHECKED_AT + timedelta(minutes=1))
    assert true_at is not None
    assert true_at >= RECHECKED_AT + timedelta(seconds=12)
    assert [host.signals(pid) for pid in pids] == [["TSTP"]] * len(BOTH)


def test_nothing_is_confirmed_while_sidekiqswarm_has_children_to_start(host: BareHost) -> None:
    host.imitate(beat=1)
    host.wait_for_workers(1)
    known = confirmed(Action.QUIET, host.ask("quiet"))
    host.popen(["ruby", "-e", "$0 = 'sidekiqswarm, managing 2 processes'; sleep"])
    eventually(lambda: any("sidekiqswarm, " in one for one in host.titles().values()), "it runs")

    assert recheck(Action.QUIET, known, host) is None


def test_nothing_is_confirmed_while_a_worker_fails_to_start(host: BareHost, tmp_path: Path) -> None:
    host.imitate(beat=1)
    host.wait_for_workers(1)
    known = confirmed(Action.QUIET, host.ask("quiet"))
    program = sidekiq_program(tmp_path / "bin")
    host.popen(["sh", "-c", f"while :; do ruby {program} boot=2 die=1; sleep 8; done"])
    eventually(lambda: any("bin/sidekiq boot" in one for one in host.titles().values()), "it boots")

    again = recheck(Action.QUIET, known, host)

    assert again is None or again.refuted


def test_a_worker_that_was_started_anew_is_found_and_gets_no_signal(host: BareHost) -> None:
    host.imitate(beat=1)
    (pid,) = host.wait_for_workers(1)
    known = confirmed(Action.QUIET, host.ask("quiet"))
    host.kill(pid, signal.SIGKILL)
    eventually(lambda: not host.workers(), "it has ended")
    host.imitate(beat=1)
    (started,) = host.wait_for_workers(1)

    again = recheck(Action.QUIET, known, host)

    assert again is not None
    assert (again.confirmed, again.refuted, again.sendable) == (False, True, True)
    assert host.signals(started) == []


def test_a_worker_that_has_gone_is_missed(host: BareHost) -> None:
    for _ in BOTH:
        host.imitate(beat=1)
    first, _ = host.wait_for_workers(len(BOTH))
    known = confirmed(Action.QUIET, host.ask("quiet"))
    host.kill(first, signal.SIGKILL)
    eventually(lambda: first not in host.workers(), "it has ended")

    again = recheck(Action.QUIET, known, host)

    assert again is not None
    assert again.refuted


def test_workers_that_were_stopped_are_confirmed_until_one_is_started(host: BareHost) -> None:
    host.imitate(beat=1)
    host.wait_for_workers(1)
    known = confirmed(Action.STOP, host.ask("stop"))

    again = recheck(Action.STOP, known, host)
    assert again is not None
    assert again.confirmed

    host.imitate(beat=1)
    (started,) = host.wait_for_workers(1)
    later = recheck(Action.STOP, again, host)
    assert later is not None
    assert later.refuted
    assert host.signals(started) == []
