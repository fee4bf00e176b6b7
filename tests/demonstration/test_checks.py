"""The demo notices each promise that is not kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from demonstration.checks import (
    problems_at_the_end,
    problems_of_a_lease,
    problems_of_a_scale_in,
    problems_when_quiet,
)
from demonstration.ledger import Ledger, Start, Worker, WorkerHistory
from demonstration.scale_in import ScaledIn
from tests.fake_client import FakeClient

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
WORKER = Worker("i-00000001", 17)
QUIETED = WorkerHistory(WORKER, "v1", NOON - timedelta(hours=1), NOON, None)
UNTOUCHED = replace(QUIETED, quieted_at=None)
ONE_JOB = Start("a", WORKER, NOON - timedelta(minutes=1))


def ledger(history: WorkerHistory = QUIETED, *starts: Start, finished: tuple[str, ...] = ("a",)) -> Ledger:
    """The jobs of the worker on i-00000001; all that were started were enqueued."""
    return Ledger(
        enqueued=frozenset(start.jid for start in starts),
        starts=starts,
        finishes=finished,
        interrupted=frozenset(),
        waiting=frozenset(),
        workers=(history,),
        ended_hosts=frozenset(),
    )


class Commands(FakeClient, services=("ssm",)):
    """Stands for an SSM client: the commands that were sent to the host i-00000001."""

    def __init__(self, *commands: str) -> None:
        self._commands = {"i-00000001": commands}

    def list_commands(self, InstanceId: str) -> dict[str, Any]:
        return {"Commands": [{"CommandId": each} for each in self._commands[InstanceId]]}


def test_a_quiet_worker_that_started_nothing_since_is_no_problem() -> None:
    assert not list(problems_when_quiet(ledger(QUIETED, ONE_JOB), {"i-00000001": NOON}))


def test_a_job_that_still_runs_is_a_problem() -> None:
    (problem,) = problems_when_quiet(ledger(QUIETED, ONE_JOB, finished=()), {"i-00000001": NOON})
    assert problem == "1 jobs ran when the workers were reported quiet."


def test_a_job_that_started_after_the_confirmation_is_a_problem() -> None:
    late = Start("a", WORKER, NOON + timedelta(seconds=1))
    (problem,) = problems_when_quiet(ledger(QUIETED, late), {"i-00000001": NOON})
    assert problem == "i-00000001 started 1 jobs after it was confirmed quiet."


def test_a_worker_without_the_signal_is_a_problem_if_it_was_reported_quiet() -> None:
    (problem,) = problems_when_quiet(ledger(UNTOUCHED, ONE_JOB), {"i-00000001": NOON})
    assert "never got the signal" in problem
    assert not list(problems_when_quiet(ledger(UNTOUCHED, ONE_JOB), {"i-00000002": NOON}))


def test_an_exact_ledger_and_an_untouched_host_are_no_problem() -> None:
    assert not list(problems_at_the_end(ledger(UNTOUCHED, ONE_JOB), "mailer", "i-00000001", Commands()))


def test_at_the_end_each_job_that_did_not_run_once_and_each_touch_is_a_problem() -> None:
    twice = ledger(UNTOUCHED, ONE_JOB, ONE_JOB)
    assert "not exact" in "".join(problems_at_the_end(twice, "mailer", "i-00000001", Commands()))
    stopping = replace(UNTOUCHED, stopping_at=NOON)
    for touched in (QUIETED, stopping):
        (problem,) = problems_at_the_end(ledger(touched, ONE_JOB), "mailer", "i-00000001", Commands())
        assert problem == "mailer does not match, but its worker was touched."
    (problem,) = problems_at_the_end(ledger(UNTOUCHED, ONE_JOB), "mailer", "i-00000001", Commands("c-1"))
    assert problem == "mailer does not match, but a command was sent to it."


def test_jobs_that_begin_when_the_workers_are_woken_by_themselves_are_no_problem() -> None:
    assert not list(problems_of_a_lease(ledger(QUIETED, ONE_JOB), frozenset("a"), ONE_JOB.at, "SUCCEEDED"))


def test_a_lease_that_is_early_fails_or_leaves_jobs_is_a_problem() -> None:
    jobs = frozenset({"a", "b"})
    found = list(problems_of_a_lease(ledger(QUIETED, ONE_JOB), jobs, NOON, "FAILED"))
    assert ["1 jobs started" in found[0], "1 jobs are not done" in found[1], "ended FAILED" in found[2]] == [
        True
    ] * 3


SCALED_IN = ScaledIn(ended=frozenset({WORKER.host}), at_work=frozenset("a"), jobs=frozenset("ab"))
OTHER_JOB = Start("b", Worker("i-00000002", 17), NOON)


def test_an_instance_that_ends_with_its_jobs_done_and_a_confirmed_run_is_no_problem() -> None:
    done = ledger(QUIETED, ONE_JOB, OTHER_JOB, finished=("a", "b"))
    assert not list(problems_of_a_scale_in(done, SCALED_IN, {WORKER.host: "SUCCEEDED"}))


def test_a_job_that_is_cut_off_one_that_is_left_and_a_run_that_is_not_confirmed_are_problems() -> None:
    for status, runs in (("FAILED", {WORKER.host: "FAILED"}), ("before it began", {})):
        problems = list(problems_of_a_scale_in(ledger(QUIETED, ONE_JOB, finished=()), SCALED_IN, runs))
        assert problems == [
            f"i-00000001 was to be drained, but its run ended {status}.",
            "1 jobs were cut off when their instances were terminated.",
            "1 jobs that came before the environment was scaled in are not done.",
        ]
