"""Botocore's edge: what would go over the network goes to the cloud in memory, and the time it takes is simulated.

Everything above is the real thing: the functions' own modules, botocore's serialisation, retries and parsing.
"""

from __future__ import annotations

import datetime as datetime_module
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from types import ModuleType, SimpleNamespace
from typing import Any, Final, TypeVar
from unittest import mock
from urllib.parse import urlsplit

import botocore.endpoint
import botocore.retries.adaptive
import botocore.retries.bucket
import botocore.retries.quota
import botocore.retries.throttling
import botocore.signers
import botocore.useragent
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError

from tests.soak.cloud.clock import SimulatedClock
from tests.soak.cloud.encoding import Call, Reply, read_call
from tests.soak.cloud.short_way import ShortWay, Undisturbed

T = TypeVar("T")
_NETWORK_ERRORS: Final[Mapping[str, Any]] = {
    "reset": ConnectionClosedError,
    "connect-timeout": ConnectTimeoutError,
    "read-timeout": ReadTimeoutError,
}
_SERVICES: Final = {"states": "stepfunctions"}  # where the host's name is not the service's


class NetworkFault(Exception):
    """No answer comes, after so many seconds."""

    def __init__(self, kind: str, seconds: float) -> None:
        super().__init__(kind)
        self.kind, self.seconds = kind, seconds


_SHORT_WAY: Final = ShortWay()


@dataclass
class Edge:
    """Where calls come out, for one scenario at a time.

    Attributes:
        answer: answers a call that has come through all of botocore.
        undisturbed: answers a call that nothing can go wrong with; None for any other.
    """

    clock: SimulatedClock
    answer: Callable[[Call], Reply]
    undisturbed: Undisturbed

    def ask(self, original: Callable[..., Any], client: Any, operation: str, parameters: Any) -> Any:
        """Stands for `client._make_api_call`."""
        if not LIMITERS.slow_down(client):
            made, parsed = _SHORT_WAY.ask(client, operation, parameters, self.undisturbed)
            if made:
                return parsed
        return original(client, operation, parameters)

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        url = urlsplit(request.url)
        host = url.hostname or ""
        service, _, rest = host.partition(".")
        region = rest.split(".")[0] if rest.count(".") > 1 else "us-east-1"
        headers: Any = request.headers
        body: Any = request.body
        call = read_call(_SERVICES.get(service, service), region, headers, body, request.method, url.path)
        try:
            reply = self.answer(call)
        except NetworkFault as fault:
            self.clock.sleep(fault.seconds)
            kind = _NETWORK_ERRORS[fault.kind]
            raise kind(endpoint_url=request.url, error=fault.kind) from fault
        response = AWSResponse(request.url, reply.status, dict(reply.headers), None)  # type: ignore[arg-type]
        response._content = reply.body  # type: ignore[attr-defined]
        return response


class _FakeDatetime:
    """Stands for the class in a module that asks it for the time; everything else is the class's own."""

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock

    def now(self, tz: tzinfo | None = None) -> datetime:
        return datetime.fromtimestamp(self._clock.now, tz or UTC)

    def __call__(self, *values: Any, **named: Any) -> datetime:
        return datetime(*values, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(datetime, name)


@dataclass
class _OneAfterTheOther:
    """Stands for a thread pool: all pieces of work begin at the same moment, and take as long as the longest."""

    clock: SimulatedClock

    def __enter__(self) -> _OneAfterTheOther:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def map(self, work: Callable[[str], T], items: Iterable[str]) -> list[T]:
        began = end = self.clock.now
        results = []
        for item in items:
            self.clock.now = began
            results.append(work(item))
            end = max(end, self.clock.now)
        self.clock.now = end
        return results


class _Condition:
    """Of botocore's token bucket: the lock is free while it waits for its next token, and the wait is simulated."""

    def __init__(self, lock: Any) -> None:
        self._lock = lock

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def notify(self) -> None:
        return None

    def wait(self, seconds: float) -> None:
        self._lock.release()
        time.sleep(max(seconds, 0.001))  # what is shorter is lost in rounding
        self._lock.acquire()


class ThreadingOfBotocore:
    """Stands for `threading` in botocore's token bucket."""

    Lock: Final = threading.Lock
    Condition: Final = _Condition


class _Limiters:
    """The clients' own memory of throttling, put back between scenarios so that each can be replayed alone."""

    def __init__(self) -> None:
        self._made: list[tuple[Any, dict[str, Any]]] = []
        self._by_client: dict[int, Any] = {}
        self._remember_clients()
        for kind in (
            botocore.retries.bucket.TokenBucket,
            botocore.retries.throttling.CubicCalculator,
            botocore.retries.adaptive.RateClocker,
            botocore.retries.adaptive.ClientRateLimiter,
            botocore.retries.quota.RetryQuota,
        ):
            self._remember_each(kind)

    def slow_down(self, client: Any) -> bool:
        """Whether the client sends more slowly because it was throttled."""
        limiter = self._by_client.get(id(client))
        return limiter is not None and limiter._enabled

    def reset(self, now: float) -> None:
        for limiter, first in self._made:
            vars(limiter).update(first)
            for key, value in (
                ("_last_timestamp", None),
                ("_last_fail", now),
                ("_last_bucket", float(int(now))),
            ):
                if key in first:
                    setattr(limiter, key, value)

    def _remember_clients(self) -> None:
        register: Callable[[Any], Any] = botocore.retries.adaptive.register_retry_handler

        def remembering(client: Any) -> Any:
            self._by_client[id(client)] = limiter = register(client)
            return limiter

        botocore.retries.adaptive.register_retry_handler = remembering

    def _remember_each(self, kind: Any) -> None:
        original = kind.__init__

        def remembering(limiter: Any, *values: Any, **named: Any) -> None:
            original(limiter, *values, **named)
            simple = {key: value for key, value in vars(limiter).items() if isinstance(value, int | float)}
            self._made.append((limiter, {**simple, **dict.fromkeys(_UNSET & vars(limiter).keys())}))

        kind.__init__ = remembering


_UNSET: Final = {"_last_timestamp"}
LIMITERS: Final = _Limiters()


@contextmanager
def simulated(edge: Edge, seed: int) -> Iterator[None]:
    """Within it, this thread's time is the edge's clock, and its calls of AWS end at the edge."""
    thread = threading.get_ident()
    real_sleep, real_time, real_monotonic = time.sleep, time.time, time.monotonic

    def sleep(seconds: float) -> None:
        (edge.clock.sleep if threading.get_ident() == thread else real_sleep)(seconds)

    def now(real: Callable[[], float]) -> Callable[[], float]:
        return lambda: edge.clock.now if threading.get_ident() == thread else real()

    original: Callable[..., Any] = BaseClient._make_api_call  # type: ignore[attr-defined]
    paginator: Callable[[Any, str], Any] = BaseClient.get_paginator

    state = random.getstate()
    random.seed(seed)
    with (
        mock.patch.object(time, "sleep", sleep),
        mock.patch.object(time, "time", now(real_time)),
        mock.patch.object(time, "monotonic", now(real_monotonic)),
        mock.patch.object(botocore.endpoint.Endpoint, "_send", lambda _, request: edge.send(request)),
        mock.patch.object(BaseClient, "_make_api_call", lambda *given: edge.ask(original, *given)),
        mock.patch.object(
            BaseClient, "get_paginator", lambda *given: _SHORT_WAY.get_paginator(paginator, *given)
        ),
        mock.patch.object(botocore.retries.bucket, "threading", ThreadingOfBotocore),
        mock.patch.object(botocore.useragent.UserAgentString, "to_string", lambda _: "soak"),
        # Nobody checks signatures here, and they take longest of all.
        mock.patch.object(botocore.signers.RequestSigner, "sign", lambda *_, **__: None),
    ):
        LIMITERS.reset(edge.clock.now)
        try:
            yield
        finally:
            random.setstate(state)


@contextmanager
def simulated_time_in(modules: Iterable[ModuleType], clock: SimulatedClock) -> Iterator[None]:
    """Within it, these modules ask the simulated clock when they call `datetime.now`, and use no threads."""
    with ExitStack() as stack:
        for module in modules:
            if getattr(module, "datetime", None) is datetime:
                stack.enter_context(mock.patch.object(module, "datetime", _FakeDatetime(clock)))
            if getattr(module, "dt", None) is datetime_module:
                fake = SimpleNamespace(datetime=_FakeDatetime(clock), timedelta=datetime_module.timedelta)
                stack.enter_context(mock.patch.object(module, "dt", fake))
            if hasattr(module, "ThreadPoolExecutor"):
                one_thread = mock.patch.object(
                    module, "ThreadPoolExecutor", lambda **_: _OneAfterTheOther(clock)
                )
                stack.enter_context(one_thread)
        yield
