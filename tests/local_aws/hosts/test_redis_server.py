"""A private Redis for tests and the demo leaves nothing behind."""

from pathlib import Path

import redis

from demonstration.ledger import enqueue
from local_aws.hosts.redis_server import RedisServer
from tests.local_aws.starter import starter
from tests.patience import eventually


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from local_aws.hosts.redis_server import RedisServer\n"
        "server = RedisServer.start(Path(sys.argv[1])); print(server.port, flush=True)"
    )
    with starter(program, tmp_path) as (process, line):
        port = int(line)
        assert answers(port)
        process.kill()
    eventually(lambda: not answers(port), "Redis has ended")


def test_it_writes_no_files(tmp_path: Path) -> None:
    with RedisServer.start(tmp_path) as server, server.client() as client:
        enqueue(client, [1])
        port = server.port
    assert not list(tmp_path.iterdir())
    assert not answers(port)


def answers(port: int) -> bool:
    try:
        return bool(redis.Redis(port=port).ping())
    except redis.ConnectionError:
        return False
