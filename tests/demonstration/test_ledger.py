"""The ledger shows which jobs real Sidekiq processes ran, lost or ran twice."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis

from demonstration.ledger import Ledger, Start, Worker, enqueue
from local_aws.hosts.redis_server import RedisServer
from tests.patience import eventually

APPLICATION = Path(__file__).parents[2] / "scripts" / "local_aws" / "hosts" / "sidekiq_app" / "app.rb"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[redis.Redis]:
    with RedisServer.start(tmp_path) as server, server.client() as client:
        yield client


@pytest.fixture
def start_worker(client: redis.Redis) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    workers: list[subprocess.Popen[bytes]] = []
    port = client.connection_pool.connection_kwargs["port"]

    def start(host: str) -> subprocess.Popen[bytes]:
        already = len(Ledger.read(client).workers)
        # One thread: with a timeout under the 2 seconds of a fetch, an idle second one could take the job that the
        # shutdown has just pushed back, and be killed with it.
        worker = subprocess.Popen(
            ["sidekiq", "-r", str(APPLICATION), "-c", "1", "-t", "1", "-q", "default"],
            env={**os.environ, "REDIS_URL": f"redis://127.0.0.1:{port}/0", "INSTANCE_ID": host},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        workers.append(worker)
        eventually(lambda: len(Ledger.read(client).workers) > already, "the worker has started")
        return worker

    yield start
    for worker in workers:
        worker.kill()
        worker.wait()


StartWorker = Callable[[str], "subprocess.Popen[bytes]"]


def test_jobs_without_a_worker_are_waiting(client: redis.Redis) -> None:
    jids = enqueue(client, [1, 2.5])
    ledger = Ledger.read(client)
    assert ledger.enqueued == ledger.waiting == set(jids)
    assert not ledger.is_exact
    assert ledger.summary() == {
        "enqueued": 2,
        "waiting": 2,
        "running": 0,
        "finished": 0,
        "killed": 0,
        "run_twice": 0,
        "lost": 0,
    }


def test_it_is_exact_when_sidekiq_ran_every_job_once(client: redis.Redis, start_worker: StartWorker) -> None:
    jids = enqueue(client, [0.05] * 20)
    worker = start_worker("i-1")
    eventually(lambda: Ledger.read(client).is_exact, "every job ran once")
    ledger = Ledger.read(client)
    assert ledger.finished == set(jids)
    assert {start.worker for start in ledger.starts} == {Worker("i-1", worker.pid)}
    assert len(ledger.starts_on("i-1")) == 20
    assert ledger.starts_on("i-2") == ()
    assert ledger.starts_on("i-1", since=ledger.starts_on("i-1")[-1].at)[-1].jid in jids


def test_a_job_is_running_while_its_worker_runs_and_killed_when_another_worker_has_started(
    client: redis.Redis, start_worker: StartWorker
) -> None:
    (jid,) = enqueue(client, [300])
    worker = start_worker("i-1")
    eventually(lambda: Ledger.read(client).running == {jid}, "the job runs")
    worker.kill()
    worker.wait()
    start_worker("i-1")
    ledger = Ledger.read(client)
    assert ledger.killed == {jid}
    assert not ledger.running | ledger.lost
    assert not ledger.is_exact


def test_a_job_on_a_host_that_ended_is_killed(client: redis.Redis, start_worker: StartWorker) -> None:
    (jid,) = enqueue(client, [300])
    start_worker("i-1")
    eventually(lambda: Ledger.read(client).running == {jid}, "the job runs")
    assert Ledger.read(client, ended_hosts=["i-1"]).killed == {jid}


def test_a_job_that_a_shutdown_pushed_back_has_run_twice(
    client: redis.Redis, start_worker: StartWorker
) -> None:
    (jid,) = enqueue(client, [30])
    worker = start_worker("i-1")
    eventually(lambda: Ledger.read(client).running == {jid}, "the job runs")
    worker.terminate()
    worker.wait()
    pushed_back = Ledger.read(client)
    assert pushed_back.waiting == {jid}
    assert not pushed_back.killed
    start_worker("i-2")
    eventually(lambda: Ledger.read(client).run_twice == {jid}, "the job runs again")
    assert not Ledger.read(client).is_exact


def test_a_quieted_worker_records_it_and_starts_no_more_jobs(
    client: redis.Redis, start_worker: StartWorker
) -> None:
    worker = start_worker("i-1")
    worker.send_signal(signal.SIGTSTP)
    eventually(
        lambda: Ledger.read(client).workers[0].quieted_at is not None, "the worker says that it is quiet"
    )
    eventually(lambda: "processor" not in thread_names(worker.pid), "the worker has no thread for jobs left")
    (jid,) = enqueue(client, [0.01])
    start_worker("i-2")
    eventually(lambda: Ledger.read(client).finished == {jid}, "the job is done")
    assert [start.worker.host for start in Ledger.read(client).starts] == ["i-2"]


def test_a_job_that_left_the_queue_and_never_started_is_lost(client: redis.Redis) -> None:
    jid, _ = enqueue(client, [1, 1])
    client.rpop("queue:default")
    assert Ledger.read(client).lost == {jid}


def test_starts_are_ordered_by_time() -> None:
    def at(second: int) -> Start:
        return Start(f"job-{second}", Worker("i-1", 1), datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC))

    ledger = Ledger(frozenset(), (at(3), at(1)), (), frozenset(), frozenset(), (), frozenset())
    assert [start.jid for start in ledger.starts_on("i-1")] == ["job-1", "job-3"]


def thread_names(pid: int) -> set[str]:
    return {task.read_text().strip() for task in Path(f"/proc/{pid}/task").glob("*/comm")}
