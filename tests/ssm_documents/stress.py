"""Rounds of quiet (now and then stop) and wake on real Sidekiq processes under load; the ledger must be exact.

Four processes under a real systemd get short jobs all the time, and bursts while they are quiet: what was quieted too
early, too late or not at all starts a job after its worker was reported quiet, or runs one twice, or loses it.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from demonstration.ledger import Ledger, Worker, enqueue
from local_aws.hosts.redis_server import RedisServer
from local_aws.hosts.systemd_host import SystemdHost
from tests.patience import eventually
from tests.ssm_documents.bare_host import Answer
from tests.ssm_documents.systemd_host import APP, ask, sidekiq, wait_for_workers, workers

PROCESSES = 4
BURST = 40
STOP_EVERY = 5  # rounds


class StressError(Exception):
    """An action was not confirmed, or the ledger is not exact; the message says what was found."""


@dataclass(frozen=True)
class Outcome:
    """What the rounds left behind: counts of jobs, and the starts that lie after their worker's report of quiet."""

    jobs: dict[str, int]
    is_exact: bool
    starts_after_quiet: int
    quiet_seconds: list[float] = field(default_factory=list)

    def complaint(self) -> str | None:
        """A sentence when something is wrong."""
        if self.starts_after_quiet:
            return (
                f"{self.starts_after_quiet} jobs started after their worker was reported quiet: {self.jobs}"
            )
        if not self.is_exact:
            return f"not every job ran exactly once: {self.jobs}"
        return None


class Stream:
    """Short jobs, all the time, from a thread of its own."""

    def __init__(self, redis: RedisServer) -> None:
        self._client = redis.client()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._feed, daemon=True)

    def _feed(self) -> None:
        lengths = random.Random(6)  # noqa: S311
        while not self._over.wait(0.2):
            enqueue(self._client, [lengths.choice((0.01, 0.05, 0.3, 1.0, 2.5))])

    def __enter__(self) -> Stream:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def run_rounds(rounds: int, folder: Path, tell: Callable[[str], None]) -> Outcome:
    """Run the rounds on a host in `folder` and wait until all jobs are done; StressError when one is not confirmed."""
    (folder / "redis").mkdir(parents=True)
    with RedisServer.start(folder / "redis") as redis, SystemdHost.start(folder / "host") as host:
        host.write("/var/app/app.rb", APP.read_text())
        for number in range(1, PROCESSES + 1):
            host.add_service(
                sidekiq(redis, f"worker@{number}", environment={"INSTANCE_ID": f"worker-{number}"})
            )
        wait_for_workers(host, PROCESSES)
        quieted: dict[Worker, datetime] = {}
        seconds = []
        with Stream(redis):
            for number in range(1, rounds + 1):
                answer = _one_round(host, redis, "stop" if number % STOP_EVERY == 0 else "quiet", quieted)
                seconds.append(answer.seconds)
                tell(f"round {number} of {rounds}: {answer.result} in {answer.seconds:.0f} s, then awake")
        client = redis.client()
        # More jobs come in a round than its workers do in the seconds in which they are awake: a backlog grows.
        eventually(
            lambda: Ledger.read(client).finished == Ledger.read(client).enqueued,
            lambda: f"all jobs are done, there are {Ledger.read(client).summary()}",
            seconds=120 + 30 * rounds,
        )
        ledger = Ledger.read(client)
        late = sum(start.at > quieted[start.worker] for start in ledger.starts if start.worker in quieted)
        return Outcome(ledger.summary(), ledger.is_exact, late, seconds)


def _one_round(host: SystemdHost, redis: RedisServer, action: str, quieted: dict[Worker, datetime]) -> Answer:
    before = {life.worker for life in Ledger.read(redis.client()).workers}
    answer = _confirmed(ask(host, action))
    reported = datetime.now(UTC)
    # A burst onto workers that idle: who is not quiet takes from it at once.
    enqueue(redis.client(), [0.05] * BURST)
    for worker in before:
        quieted.setdefault(worker, reported)
    if action == "quiet" and len(workers(host)) != PROCESSES:
        raise StressError(f"There should be {PROCESSES} quiet processes, there are {workers(host)}.")
    _confirmed(ask(host, "wake"))
    wait_for_workers(host, PROCESSES)
    return answer


def _confirmed(answer: Answer) -> Answer:
    if answer.code != 0:
        raise StressError(f"Not confirmed: {answer.line}")
    return answer


def main() -> int:
    parser = argparse.ArgumentParser(prog="./scripts/stress", description=__doc__)
    parser.add_argument(
        "rounds", type=int, nargs="?", default=30, help="how many (default: 30, about 15 minutes)"
    )
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="snow-white-stress-") as folder:
        try:
            outcome = run_rounds(rounds, Path(folder) / "stress", lambda line: print(line, flush=True))
        except StressError as error:
            print(f"stress: {error}", file=sys.stderr)
            return 1
    counts = ", ".join(f"{word} {count}" for word, count in Counter(outcome.jobs).items())
    print(f"jobs: {counts}; starts after quiet: {outcome.starts_after_quiet}")
    if complaint := outcome.complaint():
        print(f"stress: {complaint}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
