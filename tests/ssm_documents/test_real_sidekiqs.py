"""Real Sidekiqs of four Debian releases, each on its own Ruby, under a supervisord that restarts them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from demonstration.ledger import Ledger, enqueue
from local_aws.hosts.redis_server import RedisServer
from tests.patience import eventually
from tests.sidekiqs.real_sidekiq import RELEASES, RealSidekiq
from tests.ssm_documents.bare_host import BareHost
from tests.ssm_documents.supervisord import start_supervisord


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
