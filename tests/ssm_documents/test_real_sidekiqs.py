"""Real Sidekiqs of four Debian releases, each on its own Ruby, under a supervisord that restarts them."""

from __future__ import annotations

import signal
from datetime import UTC, datetime

import pytest

from demonstration.ledger import Ledger, enqueue
from local_aws.hosts.redis_server import RedisServer
from tests.patience import eventually
from tests.sidekiqs.real_sidekiq import RELEASES, RealSidekiq, enqueue_code
from tests.ssm_documents.bare_host import BareHost
from tests.ssm_documents.supervisord import start_supervisord, tell_supervisord


@pytest.fixture(params=RELEASES)
def sidekiq(request: pytest.FixtureRequest) -> RealSidekiq:
    return RealSidekiq.of(request.param)


def test_a_drain_under_load_a_wake_and_a_stop_run_every_job_exactly_once(
    host: BareHost, redis: RedisServer, sidekiq: RealSidekiq
) -> None:
    program = sidekiq.program(host.folder / "app", redis, "-c", "3", INSTANCE_ID="host")
    start_supervisord(host, {"backups": f"{program}\nnumprocs=2\nprocess_name=%(process_num)s"})
    client = redis.client()
    first = host.wait_for_workers(2)
    enqueue(client, [0.1, 6, 9, 0.5] * 2)
    eventually(lambda: len(Ledger.read(client).starts) > 4, "jobs run")

    quiet = host.ask("quiet")
    reported = datetime.now(UTC)
    enqueue(client, [0.05] * 10)  # a burst onto workers that idle
    status = host.ask("status")

    assert quiet.summary() == (0, "quiet")
    assert [process["version"] for process in quiet.json["processes"]] == [sidekiq.version] * 2
    assert status.states == ["quiet", "quiet"]
    assert Ledger.read(client).starts_on("host", since=reported) == ()

    assert host.ask("wake").summary() == (0, "awake")
    assert not set(first) & set(host.wait_for_workers(2))
    enqueue(client, [3] * 3)

    stopped = host.ask("stop")

    assert stopped.summary() == (0, "stopped")
    assert host.workers() == {}
    assert host.ask("wake").summary() == (0, "awake")
    eventually(lambda: Ledger.read(client).is_exact, lambda: f"exact: {Ledger.read(client).summary()}")


# Each leaves a thread behind that may have the name of the job's thread: Ruby's timer thread, one of a C extension, and
# one of Ruby's that waits for a child.
LEFT_BEHIND = {
    "fork": "Process.wait(Process.fork { exit!(0) })",
    "native": (
        'require "fiddle"; libc = Fiddle.dlopen(nil); pointer = Fiddle::TYPE_VOIDP; '
        'create = Fiddle::Function.new(libc["pthread_create"], [pointer] * 4, Fiddle::TYPE_INT); '
        'create.call(Fiddle.malloc(8), nil, libc["pause"], nil)'
    ),
    "detach": 'Process.detach(Process.spawn("/usr/bin/ruby", "-e", "sleep"))',
}


def test_workers_whose_jobs_left_threads_behind_are_proven_quiet_and_woken(
    host: BareHost, redis: RedisServer, sidekiq: RealSidekiq
) -> None:
    programs = {
        name: sidekiq.program(host.folder / "app", redis, "-c", "2", database=database)
        for database, name in enumerate(LEFT_BEHIND)
    }
    start_supervisord(host, programs)
    host.wait_for_workers(len(programs))
    for database, code in enumerate(LEFT_BEHIND.values()):
        # The threads that Sidekiq makes at the start are a second older than what a job makes.
        enqueue_code(
            redis.client(database), f"sleep(2); {code}; Sidekiq.redis {{ |it| it.call('SET', 'done', 1) }}"
        )
    clients = [redis.client(database) for database in range(len(programs))]
    eventually(lambda: all(client.get("done") for client in clients), "the jobs have run")
    first = host.workers()

    assert host.ask("quiet").summary() == (0, "quiet")
    woken = host.ask("wake")

    # supervisord would end the child of the job, too, if it were told to restart its program.
    assert woken.summary() == (1, "unconfirmed")
    assert "supervisord:detach was not restarted: it also runs ruby" in woken.message
    assert len(set(first) & set(host.wait_for_workers(len(programs)))) == 1


def test_a_job_on_a_renamed_thread_that_its_logger_holds_up_is_not_taken_for_none(
    host: BareHost, redis: RedisServer, sidekiq: RealSidekiq
) -> None:
    logger = {"JOB_LOGGER_SECONDS": 25, "INSTANCE_ID": "host"}
    programs = {
        name: sidekiq.program(host.folder / "app", redis, "-c", "2", database=database, **logger)
        for database, name in enumerate(["asked", "by-hand"])
    }
    start_supervisord(host, programs)
    host.wait_for_workers(len(programs))
    clients = [redis.client(database) for database in range(len(programs))]
    for client in clients:
        # Both threads at once, so that one of each worker is renamed; the other one is kept until the worker is quiet.
        enqueue_code(client, "Thread.current.name = 'import'; sleep(1)")
        enqueue_code(client, "sleep(0.1) until Sidekiq.redis { |it| it.call('GET', 'fetched') }")
    eventually(lambda: all(client.llen("queue:default") == 0 for client in clients), "both threads work")
    for client in clients:
        enqueue(client, [4])
    eventually(lambda: all(client.llen("queue:default") == 0 for client in clients), "the job was fetched")
    for client in clients:
        client.set("fetched", 1)
    (by_hand,) = (pid for pid in host.workers() if program_of(host, pid) == "by-hand")
    host.kill(by_hand, signal.SIGTSTP)
    eventually(lambda: "stopping" in host.workers()[by_hand], "it is quieted by hand")

    answer = host.ask("stop")

    assert answer.summary() == (0, "stopped")
    for client in clients:
        assert Ledger.read(client).is_exact, Ledger.read(client).summary()


@pytest.mark.parametrize("release", ["trixie", "sid"])
def test_a_worker_whose_threads_share_native_ones_is_never_called_quiet_and_named_as_soon_as_its_title_is(
    host: BareHost, redis: RedisServer, release: str
) -> None:
    sidekiq = RealSidekiq.of(release)
    programs = {
        name: sidekiq.program(host.folder / "app", redis, "-c", "1", database=database, **environment)
        for database, (name, environment) in enumerate(
            {"shared": {"RUBY_MN_THREADS": 1}, "plain": {}}.items()
        )
    }
    start_supervisord(host, programs)
    host.wait_for_workers(2)

    # The limit is shorter than the time after which other workers are said to be unprovable.
    quieted = host.ask("quiet", limit=60)
    woken = host.ask("wake")

    assert quieted.summary() == (1, "unconfirmed")
    assert quieted.states == ["quiet", "quieting"]
    assert "cannot be proven quiet: RUBY_MN_THREADS is set, which hides its threads" in quieted.message
    assert woken.summary() == (1, "unconfirmed")
    assert "was left as it is: RUBY_MN_THREADS is set" in woken.message


def program_of(host: BareHost, pid: int) -> str:
    """The supervisord program of a worker."""
    shown = tell_supervisord(host, "status")
    return next(line.split()[0] for line in shown.splitlines() if f"pid {pid}," in line)
