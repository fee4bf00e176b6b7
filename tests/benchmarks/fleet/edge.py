"""Botocore's edge: all of botocore but the network is the real thing, and so its CPU time is."""

from __future__ import annotations

import importlib
import inspect
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Final
from unittest import mock
from urllib.parse import urlsplit

import botocore.httpsession
import botocore.loaders
import botocore.retries.bucket
import botocore.session
from aws_lambda_powertools.utilities.idempotency import base as handler
from aws_lambda_powertools.utilities.idempotency.persistence import base, datarecord, dynamodb
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient

from tests.benchmarks.fleet.cloud import FleetCloud
from tests.benchmarks.fleet.schedule import Pool, Schedule
from tests.soak.cloud.edge import LIMITERS, ThreadingOfBotocore, simulated_time_in
from tests.soak.cloud.encoding import Call, Reply, read_call
from tests.soak.cloud.short_way import ShortWay

_SHORT_WAY: Final = ShortWay()
_SERVICES: Final = {"states": "stepfunctions"}  # where the host's name is not the service's
_GLOBAL: Final = ("iam",)
_PRODUCT: Final = ("snow_white", "runtime", "bench_")
_POWERTOOLS: Final = (handler, base, datarecord, dynamodb)


@contextmanager
def bundled_data(folder: Path) -> Iterator[None]:
    """Within it, new sessions read botocore's data from this folder alone, as in the functions' bundle."""

    def loader(*_: Any, **__: Any) -> botocore.loaders.Loader:
        return botocore.loaders.Loader(extra_search_paths=[str(folder)], include_default_search_paths=False)

    with (
        mock.patch.object(botocore.session, "create_loader", loader),
        mock.patch.object(botocore.loaders, "create_loader", loader),
    ):
        yield


@contextmanager
def simulated(schedule: Schedule, cloud: FleetCloud, *, short_way: bool) -> Iterator[None]:
    """Within it, calls of AWS end here, and the product's threads and clocks are those of the schedule.

    Args:
        short_way: leave out of botocore what only costs time. CPU times then say nothing.
    """
    original: Callable[..., Any] = BaseClient._make_api_call  # type: ignore[attr-defined]
    paginator: Callable[[Any, str], Any] = BaseClient.get_paginator

    def measured(client: Any, operation: str, parameters: Any) -> Any:
        with schedule.in_botocore():
            if short_way and not LIMITERS.slow_down(client):
                made, parsed = _SHORT_WAY.ask(client, operation, parameters, cloud.undisturbed)
                if made:
                    return parsed
            return original(client, operation, parameters)

    with ExitStack() as stack:
        replaced: list[tuple[Any, str, Any]] = [
            (time, "sleep", _in_its_threads(schedule, schedule.sleep, time.sleep)),
            (time, "time", _in_its_threads(schedule, lambda: schedule.now, time.time)),
            (time, "monotonic", _in_its_threads(schedule, lambda: schedule.now, time.monotonic)),
            (botocore.httpsession.URLLib3Session, "send", lambda _, request: _send(request, cloud)),
            (botocore.retries.bucket, "threading", ThreadingOfBotocore),
            (BaseClient, "_make_api_call", measured),
        ]
        if short_way:
            replaced.append(
                (BaseClient, "get_paginator", lambda *given: _SHORT_WAY.get_paginator(paginator, *given))
            )
        for owner, name, value in replaced:
            stack.enter_context(mock.patch.object(owner, name, value))
        product = [module for name, module in list(sys.modules.items()) if name.startswith(_PRODUCT)]
        clocks = [module for module in product if _asks_for_the_time(module)]
        pools = [module for module in product if hasattr(module, "ThreadPoolExecutor")]
        stack.enter_context(simulated_time_in([*clocks, *pools, *_POWERTOOLS], schedule))
        # Without their CPU time, threads can as well run one after the other, each from the same moment on.
        for module in () if short_way else pools:
            stack.enter_context(mock.patch.object(module, "ThreadPoolExecutor", partial(Pool, schedule)))
        LIMITERS.reset(schedule.now)
        importlib.import_module("runtime.slack_token")._secrets.clear_cache()
        yield


def _in_its_threads(
    schedule: Schedule, simulated: Callable[..., Any], real: Callable[..., Any]
) -> Callable[..., Any]:
    def chosen(*given: Any) -> Any:
        return simulated(*given) if schedule.has_thread() else real(*given)

    return chosen


def _asks_for_the_time(module: ModuleType) -> bool:
    return hasattr(module, "datetime") and "datetime.now(" in inspect.getsource(module)


def _send(request: AWSPreparedRequest, answer: Callable[[Call], Reply]) -> AWSResponse:
    reply = answer(read_request(request.url, request.headers, request.body))
    response = AWSResponse(request.url, reply.status, dict(reply.headers), None)  # type: ignore[arg-type]
    response._content = reply.body  # type: ignore[attr-defined]
    return response


def read_request(url: str, headers: Any, body: Any) -> Call:
    """The call that a request makes."""
    host = urlsplit(url).hostname or ""
    service, _, rest = host.partition(".")
    region = rest.split(".")[0] if rest.count(".") > 1 and service not in _GLOBAL else "us-east-1"
    return read_call(_SERVICES.get(service, service), region, headers, body)
