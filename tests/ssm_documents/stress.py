"""Rounds of quiet (now and then stop) and wake on real Sidekiq processes under load; the ledger must be exact.

Four processes get short jobs all the time, and bursts while they are quiet: what was quieted too early, too late or not
at all starts a job after its worker was reported quiet, or runs one twice, or loses it. They are units of a real
systemd, or, with --sidekiq, programs of a real supervisord that run the Sidekiq of another Debian release.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import statistics
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, cast

import redis

from demonstration.ledger import STREAM, Ledger, Worker, enqueue
from local_aws.hosts.redis_server import RedisServer
from local_aws.hosts.systemd_host import SystemdHost
from tests.patience import eventually
from tests.sidekiqs.real_sidekiq import NoSuchSidekiq, RealSidekiq
from tests.ssm_documents import systemd_host
from tests.ssm_documents.bare_host import Answer, BareHost
from tests.ssm_documents.supervisord import start_supervisord

PROCESSES = 4
BURST = 40
STOP_EVERY = 5  # rounds
WAKES = 3  # tries


class StressError(Exception):
    """The workers could not be woken again; the message says what was found."""


class Workers(Protocol):
    """A host with the workers."""

    def ask(self, action: str) -> Answer: ...

    def wait_for_workers(self, count: int) -> object: ...


@dataclass
class SystemdWorkers:
    """Workers of the installed Sidekiq as units of a real systemd."""

    host: SystemdHost

    def ask(self, action: str) -> Answer:
        return systemd_host.ask(self.host, action)

    def wait_for_workers(self, count: int) -> object:
        return systemd_host.wait_for_workers(self.host, count)


@dataclass
class Outcome:
    """What the rounds left behind.

    `jobs` are counts by what became of them; `starts_after_quiet` lie after their worker's report of quiet; `refusals`
    are what was answered instead of a confirmation; `seconds` are those from the last job's end to the host's word,
    where a job ended while the host was asked.
    """

    trials: int = 0
    jobs: dict[str, int] = field(default_factory=dict)
    is_exact: bool = False
    starts_after_quiet: int = 0
    refusals: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def violations(self) -> int:
        """Jobs that started after quiet, were killed or lost, or ran twice."""
        return self.starts_after_quiet + sum(
            self.jobs.get(word, 0) for word in ("killed", "lost", "run_twice")
        )

    def complaint(self) -> str | None:
        """A sentence when something is wrong."""
        if self.violations or not self.is_exact:
            return (
                f"not every job ran exactly once, or {self.starts_after_quiet} after their worker was reported "
                f"quiet: {self.jobs}"
            )
        if self.refusals:
            return f"not confirmed: {self.refusals}"
        return None

    def summary(self) -> str:
        """The figures on one line."""
        line = f"trials {self.trials}, violations {self.violations}, false refusals {len(self.refusals)}"
        if self.seconds:
            line += (
                f", from the last job's end to the word: {statistics.median(self.seconds):.1f} s at the median, "
                f"{min(self.seconds):.1f} to {max(self.seconds):.1f} s"
            )
        return line


class Stream:
    """Short jobs, all the time, from a thread of its own."""

    def __init__(self, server: RedisServer) -> None:
        self._client = server.client()
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


def run_rounds(
    rounds: int, folder: Path, tell: Callable[[str], None], sidekiq: RealSidekiq | None = None
) -> Outcome:
    """Run the rounds on a host in `folder` and wait until all jobs are done; StressError when none takes them."""
    (folder / "redis").mkdir(parents=True)
    with RedisServer.start(folder / "redis") as server, _workers(folder / "host", server, sidekiq) as workers:
        workers.wait_for_workers(PROCESSES)
        client = server.client()
        outcome = Outcome()
        quieted: dict[Worker, datetime] = {}
        with Stream(server):
            for number in range(1, rounds + 1):
                _one_round(workers, client, "stop" if number % STOP_EVERY == 0 else "quiet", quieted, outcome)
                tell(f"round {number} of {rounds}: {outcome.summary()}")
        # More jobs come in a round than its workers do in the seconds in which they are awake: a backlog grows.
        eventually(
            lambda: Ledger.read(client).finished == Ledger.read(client).enqueued,
            lambda: f"all jobs are done, there are {Ledger.read(client).summary()}",
            seconds=120 + 30 * rounds,
        )
        ledger = Ledger.read(client)
        outcome.jobs, outcome.is_exact = ledger.summary(), ledger.is_exact
        outcome.starts_after_quiet = sum(
            start.at > quieted[start.worker] for start in ledger.starts if start.worker in quieted
        )
        return outcome


@contextlib.contextmanager
def _workers(folder: Path, server: RedisServer, sidekiq: RealSidekiq | None) -> Iterator[Workers]:
    names = [f"worker-{number}" for number in range(1, PROCESSES + 1)]
    if sidekiq is None:
        with SystemdHost.start(folder) as host:
            host.write("/var/app/app.rb", systemd_host.APP.read_text())
            for name in names:
                unit = name.replace("-", "@")
                host.add_service(systemd_host.sidekiq(server, unit, environment={"INSTANCE_ID": name}))
            yield SystemdWorkers(host)
    else:
        with BareHost(folder) as bare:
            app = folder / "app"
            start_supervisord(
                bare, {name: sidekiq.program(app, server, "-c", "3", INSTANCE_ID=name) for name in names}
            )
            yield bare


def _one_round(
    workers: Workers, client: redis.Redis, action: str, quieted: dict[Worker, datetime], outcome: Outcome
) -> None:
    before = {life.worker for life in Ledger.read(client).workers}
    asked = datetime.now(UTC)
    answer = workers.ask(action)
    reported = datetime.now(UTC)
    outcome.trials += 1
    # A burst onto workers that idle: who is not quiet takes from it at once.
    enqueue(client, [0.05] * BURST)
    if answer.code == 0:
        for worker in before:
            quieted.setdefault(worker, reported)
        if (last_end := _last_end(client, reported)) > asked.timestamp():
            outcome.seconds.append(reported.timestamp() - last_end)
    else:
        outcome.refusals.append(answer.line)
    for _ in range(WAKES):
        woken = workers.ask("wake")
        if woken.code == 0:
            break
        outcome.refusals.append(woken.line)
    else:
        raise StressError(f"Not woken: {outcome.refusals[-1]}")
    workers.wait_for_workers(PROCESSES)


def _last_end(client: redis.Redis, before: datetime) -> float:
    """When the last job before a moment ended, in seconds since 1970; 0 if none had."""
    entries = cast("list[tuple[str, dict[str, str]]]", client.xrange(STREAM))
    ends = [int(entry["at"]) / 1e6 for _, entry in entries if entry["event"] == "finished"]
    return max((end for end in ends if end <= before.timestamp()), default=0.0)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./scripts/stress", description=__doc__)
    parser.add_argument(
        "rounds", type=int, nargs="?", default=30, help="how many (default: 30, about 25 minutes)"
    )
    parser.add_argument(
        "--sidekiq",
        metavar="VERSION",
        help="the beginning of a version, such as 7.3, of those that setup downloads",
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="snow-white-stress-") as folder:
        try:
            sidekiq = RealSidekiq.with_version(options.sidekiq) if options.sidekiq else None
            outcome = run_rounds(
                options.rounds, Path(folder) / "stress", lambda line: print(line, flush=True), sidekiq
            )
        except (StressError, NoSuchSidekiq) as error:
            print(f"stress: {error}", file=sys.stderr)
            return 1
    print(outcome.summary())
    print("jobs: " + ", ".join(f"{word} {count}" for word, count in outcome.jobs.items()))
    if complaint := outcome.complaint():
        print(f"stress: {complaint}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
