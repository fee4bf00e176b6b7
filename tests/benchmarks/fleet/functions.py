"""The functions as Lambda runs them: their own modules in this process, with what each invocation has cost."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeVar
from unittest import mock

from infra.lambda_bundle import lambda_bundle
from tests.benchmarks.fleet.cloud import FleetCloud
from tests.benchmarks.fleet.deployed import Deployed
from tests.benchmarks.fleet.edge import bundled_data
from tests.benchmarks.fleet.fleet import REGIONS
from tests.benchmarks.fleet.schedule import Schedule
from tests.soak.cloud.clock import START, FunctionEnded
from tests.soak.scenarios.functions import ENVIRONMENT, FUNCTION_SECONDS, HANDLERS, LAMBDAS, Context
from tests.soak.states_language.machine import StateError

T = TypeVar("T")
SETTINGS: Final = {
    **ENVIRONMENT,
    "DEFAULT_REGIONS": ",".join(REGIONS),
    "SLACK_CHANNEL": "C0BENCH",
    "POWERTOOLS_LOG_LEVEL": "INFO",
}
# START, END and REPORT, which Lambda itself logs of an invocation, and 26 bytes that CloudWatch adds to each line:
# https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
_LAMBDA_LOGS: Final = 400
_EVENT_OVERHEAD: Final = 26


class _Log(io.TextIOBase):
    """Counts what is written to it."""

    def __init__(self) -> None:
        self.bytes = 0

    def write(self, text: str) -> int:
        self.bytes += len(text.encode()) + _EVENT_OVERHEAD * text.count("\n")
        return len(text)


LOG: Final[Any] = _Log()


@contextmanager
def bundled_handlers() -> Iterator[Mapping[str, ModuleType]]:
    """The functions' modules by name, within botocore's data as in the bundle: clients are made at any time."""
    with bundled_data(lambda_bundle() / "botocore" / "data"):
        yield load_handlers()


@contextmanager
def copied_bundle() -> Iterator[Path]:
    """A copy of the bundle, which Python may add what it compiles to."""
    with tempfile.TemporaryDirectory(prefix="snow-white-bench-") as folder:
        yield shutil.copytree(lambda_bundle(), Path(folder) / "bundle")


def load_handlers() -> Mapping[str, ModuleType]:
    """The modules of lambdas/*.py by name, as copies of their own."""
    with (
        mock.patch.dict(os.environ, SETTINGS),
        contextlib.redirect_stdout(LOG),
    ):
        return {name: _load(LAMBDAS / f"{name}.py") for name in HANDLERS}


def _load(path: Path) -> ModuleType:
    name = f"bench_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Invocation:
    """What one invocation has cost.

    Attributes:
        began: seconds since the execution began.
        seconds: it took, in simulated time.
        cpu: seconds on a whole core; `own` is the part of it outside of botocore.
        calls: of AWS by operation, with retries.
        polls: how often it polled.
        logged: bytes, with those of Lambda itself.
    """

    step: str
    handler: str
    began: float
    seconds: float
    cpu: float
    own: float
    calls: Counter[str]
    logged: int
    polls: int

    @property
    def call_count(self) -> int:
        return self.calls.total()


@dataclass
class Functions:
    """Invokes the functions of one run and keeps what each invocation has cost."""

    clock: Schedule
    cloud: FleetCloud
    handlers: Mapping[str, ModuleType]
    deployed: Deployed
    costs_time: bool
    invocations: list[Invocation] = field(default_factory=list)
    polls: int = 0

    def invoke(self, resource: str, payload: Any) -> Any:
        """What a Task state calls."""
        return self.call(self.deployed.functions[resource], str(payload["step"]), payload)

    def call(self, handler: str, step: str, payload: Any) -> Any:
        """One invocation; its answer as Lambda writes it."""
        clock = self.clock
        clock.finish_work()
        began, cpu, botocore = clock.now, clock.cpu_seconds, clock.botocore_seconds
        calls, logged, polls = self.cloud.calls.copy(), LOG.bytes, self.polls
        clock.share = self.deployed.share_of_a_core(handler) if self.costs_time else None
        clock.function_ends_at = began + FUNCTION_SECONDS
        context = Context(
            clock, clock.function_ends_at, handler, memory_limit_in_mb=self.deployed.memory_mb[handler]
        )
        event = json.loads(json.dumps(payload))
        try:
            clock.discard_work()
            with contextlib.redirect_stdout(LOG):
                result = self.handlers[handler].handler(event, context)
        except FunctionEnded as end:
            raise StateError(end.error, json.dumps({"errorMessage": end.cause})) from end
        except Exception as error:
            kind = type(error).__name__
            raise StateError(kind, json.dumps({"errorMessage": str(error), "errorType": kind})) from error
        finally:
            clock.finish_work()
            clock.function_ends_at = clock.share = None
            total = clock.cpu_seconds - cpu
            self.invocations.append(
                Invocation(
                    step,
                    handler,
                    began - START,
                    clock.now - began,
                    total,
                    total - (clock.botocore_seconds - botocore),
                    self.cloud.calls - calls,
                    LOG.bytes - logged + _LAMBDA_LOGS,
                    self.polls - polls,
                )
            )
        return json.loads(json.dumps(result, ensure_ascii=False, allow_nan=False))

    def counting(self, poll: Callable[..., T]) -> Callable[..., T]:
        """Wraps the one poll of which an invocation may make several."""

        def counted(*given: Any) -> T:
            self.polls += 1
            return poll(*given)

        return counted

    def of(self, step: str) -> list[Invocation]:
        return [one for one in self.invocations if one.step == step]
