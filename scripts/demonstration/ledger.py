"""The ledger of jobs: what was enqueued, and which worker started and finished it, as the workers recorded it.

The worker application (local_aws/hosts/sidekiq_app/app.rb) appends to the Redis stream `ledger`. This module enqueues
jobs as Sidekiq's client does, records that in the same transaction, and reads the stream.
"""

from __future__ import annotations

import json
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import redis

STREAM = "ledger"
JOB_CLASS = "NightlyBackup"


@dataclass(frozen=True)
class Worker:
    """One Sidekiq process: the host's identity (its instance id) and the pid inside the host."""

    host: str
    pid: int


@dataclass(frozen=True)
class Start:
    """A job started on a worker."""

    jid: str
    worker: Worker
    at: datetime


@dataclass(frozen=True)
class WorkerHistory:
    """What a Sidekiq process recorded of itself; a time is None when that has not happened.

    A process that was killed has no `stopping_at`.
    """

    worker: Worker
    version: str
    started_at: datetime
    quieted_at: datetime | None
    stopping_at: datetime | None

    @property
    def host(self) -> str:
        return self.worker.host


@dataclass(frozen=True)
class Ledger:
    """What happened up to the moment of reading; each set holds job ids.

    `waiting` jobs are in a queue, among the retries or scheduled. A job that has started and not finished is `running`
    while its worker is the last process that its host started and has not recorded an interruption; else it is
    `killed`. A host that has ended starts no other process, so pass it to `read` as ended.
    """

    enqueued: frozenset[str]
    starts: tuple[Start, ...]
    finishes: tuple[str, ...]
    interrupted: frozenset[str]
    waiting: frozenset[str]
    workers: tuple[WorkerHistory, ...]
    ended_hosts: frozenset[str]

    @classmethod
    def read(cls, client: redis.Redis, ended_hosts: Iterable[str] = ()) -> Ledger:
        """Read it from Redis; the queues first, so that a job in between counts as started, not as lost."""
        waiting = _waiting(client)
        entries = cast("list[tuple[str, dict[str, str]]]", client.xrange(STREAM))
        of: dict[str, list[Mapping[str, str]]] = defaultdict(list)
        for _, entry in entries:
            of[entry["event"]].append(entry)
        return cls(
            enqueued=frozenset(entry["jid"] for entry in of["enqueued"]),
            starts=tuple(Start(entry["jid"], _worker(entry), _at(entry)) for entry in of["started"]),
            finishes=tuple(entry["jid"] for entry in of["finished"]),
            interrupted=frozenset(entry["jid"] for entry in of["interrupted"]),
            waiting=waiting,
            workers=tuple(_histories(of)),
            ended_hosts=frozenset(ended_hosts),
        )

    @property
    def started(self) -> frozenset[str]:
        return frozenset(start.jid for start in self.starts)

    @property
    def finished(self) -> frozenset[str]:
        return frozenset(self.finishes)

    @property
    def run_twice(self) -> frozenset[str]:
        """Jobs that started more than once, whether or not an earlier run finished."""
        starts = Counter(start.jid for start in self.starts)
        return frozenset(jid for jid, count in starts.items() if count > 1)

    @property
    def running(self) -> frozenset[str]:
        return frozenset(self._unfinished(on_live_worker=True))

    @property
    def killed(self) -> frozenset[str]:
        """Jobs that started and did not finish, and whose worker does not run any more."""
        return frozenset(self._unfinished(on_live_worker=False)) - self.waiting

    @property
    def lost(self) -> frozenset[str]:
        """Jobs that were enqueued, never started, and are in no queue any more."""
        return self.enqueued - self.waiting - self.started

    @property
    def is_exact(self) -> bool:
        """Every job that was enqueued started once and finished once, and there are no others."""
        jobs = sorted(self.enqueued)
        return sorted(self.finishes) == jobs and sorted(start.jid for start in self.starts) == jobs

    def starts_on(self, host: str, since: datetime | None = None) -> tuple[Start, ...]:
        """The starts on one host, on any of its workers, from `since` on; by time."""
        return tuple(
            start
            for start in sorted(self.starts, key=lambda start: start.at)
            if start.worker.host == host and (since is None or start.at >= since)
        )

    def summary(self) -> dict[str, int]:
        """The number of jobs by what became of them."""
        words = ("enqueued", "waiting", "running", "finished", "killed", "run_twice", "lost")
        return {word: len(getattr(self, word)) for word in words}

    def _unfinished(self, *, on_live_worker: bool) -> Iterable[str]:
        last = {start.jid: start.worker for start in self.starts}
        newest = {each.host: each for each in self.workers if each.host not in self.ended_hosts}
        for jid in self.started - self.finished:
            history = newest.get(last[jid].host)
            has_worker = history is not None and history.worker == last[jid] and jid not in self.interrupted
            if has_worker == on_live_worker:
                yield jid


def enqueue(
    client: redis.Redis, seconds: Sequence[float], queue: str = "default", job_class: str = JOB_CLASS
) -> list[str]:
    """Enqueue one job for each length in seconds, in Sidekiq 6's wire format; returns the job ids."""
    jids = [secrets.token_hex(12) for _ in seconds]
    with client.pipeline(transaction=True) as transaction:
        transaction.sadd("queues", queue)
        for jid, length in zip(jids, seconds, strict=True):
            now = time.time()
            entry: dict[Any, Any] = {"event": "enqueued", "jid": jid, "at": int(now * 1_000_000)}
            job = {
                "class": job_class,
                "args": [length],
                "retry": True,
                "queue": queue,
                "jid": jid,
                "created_at": now,
                "enqueued_at": now,
            }
            transaction.xadd(STREAM, entry)
            transaction.lpush(f"queue:{queue}", json.dumps(job))
        transaction.execute()
    return jids


def _waiting(client: redis.Redis) -> frozenset[str]:
    payloads: list[str] = []
    for queue in cast("set[str]", client.smembers("queues")):
        payloads += cast("list[str]", client.lrange(f"queue:{queue}", 0, -1))
    for later in ("retry", "schedule"):
        payloads += cast("list[str]", client.zrange(later, 0, -1))
    return frozenset(json.loads(payload)["jid"] for payload in payloads)


def _histories(of: Mapping[str, list[Mapping[str, str]]]) -> Iterable[WorkerHistory]:
    quieted = {_worker(entry): _at(entry) for entry in of["worker_quieted"]}
    stopping = {_worker(entry): _at(entry) for entry in of["worker_stopping"]}
    for entry in of["worker_started"]:
        worker = _worker(entry)
        yield WorkerHistory(worker, entry["version"], _at(entry), quieted.get(worker), stopping.get(worker))


def _worker(entry: Mapping[str, str]) -> Worker:
    return Worker(entry["host"], int(entry["pid"]))


def _at(entry: Mapping[str, str]) -> datetime:
    return datetime.fromtimestamp(int(entry["at"]) / 1_000_000, UTC)
