"""The functions as Lambda runs them: their own modules in this process, with crashes, time limits and double calls."""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import io
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final
from unittest import mock

from aws_lambda_powertools import Logger

from tests.soak.cloud import scheduler
from tests.soak.cloud.clock import FunctionEnded, SimulatedClock
from tests.soak.cloud.encoding import Call, Reply
from tests.soak.cloud.shared_clients import shared_clients
from tests.soak.cloud.short_way import Undisturbed
from tests.soak.cloud.slack import DEFAULT_CHANNEL
from tests.soak.scenarios.scenario import REGIONS, LambdaFault
from tests.soak.states_language.machine import StateError

LAMBDAS: Final = Path(__file__).parents[3] / "lambdas"
FUNCTION_SECONDS: Final = 300
ENVIRONMENT: Final = {
    "DEFAULT_REGIONS": ",".join(REGIONS),
    "DEFAULT_ENVIRONMENTS": "workers",
    "WORKER_GROUPS": "shop-*",
    "WORKER_TAGS": "Role=worker",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "simulated",
    "AWS_SECRET_ACCESS_KEY": "simulated",
    "SLACK_TOKEN_SECRET": "token",
    "SLACK_CHANNEL": DEFAULT_CHANNEL,
    "IDEMPOTENCY_TABLE": "idempotency",
    "SCHEDULE_GROUP": scheduler.GROUP,
    "SCHEDULE_ROLE": scheduler.ROLE,
    "REMIND_AFTER_SECONDS": "3600",
    "POWERTOOLS_SERVICE_NAME": "snow-white",
    "POWERTOOLS_METRICS_NAMESPACE": "SnowWhite",
}
_BEFORE: Final[Mapping[str, tuple[str, float]]] = {
    "crash-before": ("Runtime.ExitError", 1.0),
    "throttled": ("Lambda.TooManyRequestsException", 0.1),
    "service-error": ("Lambda.ServiceException", 1.0),
}
_AFTER: Final[Mapping[str, str]] = {
    "crash-after": "Lambda.Unknown",
    "client-timeout": "Lambda.ClientExecutionTimeoutException",
}
HANDLERS: Final = ("discover_instances", "dispatch_command", "poll_command", "notify_slack", "close_run")


@cache
def load_handlers() -> Mapping[str, ModuleType]:
    """The modules of lambdas/*.py by name, once in a process: as copies of their own, with the soak's settings."""
    found = {}
    with (
        shared_clients(),
        mock.patch.dict(os.environ, ENVIRONMENT),
    ):
        for name in HANDLERS:
            spec = importlib.util.spec_from_file_location(f"soak_{name}", LAMBDAS / f"{name}.py")
            assert spec and spec.loader
            found[name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(found[name])
    # These modules, with botocore's descriptions of services, stay; looking through them again and again for what may
    # be thrown away takes a sixteenth of the time.
    gc.freeze()
    return found


def forget(handlers: Mapping[str, ModuleType]) -> None:
    """Let warm functions forget what they remember, as in a process of its own."""
    importlib.import_module("runtime.slack_token")._secrets.clear_cache()
    for module in handlers.values():
        module.regions.ended.clear()


@dataclass(frozen=True)
class Context:
    """Of one invocation."""

    clock: SimulatedClock
    ends_at: float
    function_name: str
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:111122223333:function:soak"
    aws_request_id: str = "1"

    def get_remaining_time_in_millis(self) -> int:
        return int((self.ends_at - self.clock.now) * 1000)


@dataclass
class Functions:
    """Invokes the functions of one scenario.

    Attributes:
        by_resource: the names of the functions by what the definition calls them.
        injected: faults by kind, as they hit.
        raised: errors that the functions' own code ended with: step, class, text.
        verdicts: what the last PollCommand that came to its end has logged of each instance.
        judged_at: when that PollCommand came to its end.
    """

    clock: SimulatedClock
    by_resource: Mapping[str, str]
    faults: tuple[LambdaFault, ...]
    injected: Counter[str] = field(default_factory=Counter)
    raised: list[tuple[str, str, str]] = field(default_factory=list)
    verdicts: list[Mapping[str, Any]] = field(default_factory=list)
    judged_at: float = 0.0
    _invocations: Counter[str] = field(default_factory=Counter)
    _calls_left: int | None = None
    _logged: list[Mapping[str, Any]] = field(default_factory=list)

    def invoke(self, resource: str, payload: Any) -> Any:
        """What a Task state calls."""
        return self.perform(self.by_resource[resource], str(payload["step"]), payload)

    def perform(self, name: str, step: str, event: Any) -> Any:
        """One invocation of a function, with the fault that there is for it."""
        number = self._invocations[step]
        self._invocations[step] += 1
        fault = next((one for one in self.faults if (one.step, one.number) == (step, number)), None)
        kind = fault.kind if fault else ""
        if fault:
            self.injected[f"lambda {kind}"] += 1
        self.clock.sleep(0.1)
        if kind in _BEFORE:
            name, seconds = _BEFORE[kind]
            self.clock.sleep(seconds)
            raise StateError(name, '{"errorType": "simulated"}')
        self._calls_left = fault.calls if fault and kind == "crash-during" else None
        result = self.call(name, step, event)
        if kind == "twice":
            result = self.call(name, step, event)
        if kind == "timed-out":
            self.clock.sleep(FUNCTION_SECONDS)
            raise StateError("Sandbox.Timedout", "Task timed out after 300.00 seconds")
        if kind in _AFTER:
            raise StateError(_AFTER[kind], '{"errorType": "simulated"}')
        if step == "PollCommand":
            self.verdicts, self.judged_at = list(self._logged), self.clock.now
        return result

    def call(self, name: str, step: str, event: Any) -> Any:
        """One invocation of a function's handler; its answer as Lambda writes it."""
        self._logged.clear()
        self.clock.function_ends_at = self.clock.now + FUNCTION_SECONDS
        context = Context(self.clock, self.clock.function_ends_at, name)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                result = load_handlers()[name].handler(event, context)
        except FunctionEnded as end:
            forget({name: load_handlers()[name]})
            raise StateError(end.error, json.dumps({"errorMessage": end.cause})) from end
        except Exception as error:
            kind = type(error).__name__
            self.raised.append((step, kind, str(error)))
            raise StateError(kind, json.dumps({"errorMessage": str(error), "errorType": kind})) from error
        finally:
            self.clock.function_ends_at = None
            self._calls_left = None
        try:
            # The runtime of Python 3.12 and later writes text as it is.
            text = json.dumps(result, ensure_ascii=False, allow_nan=False)
            text.encode()
            return json.loads(text)
        except ValueError as error:
            self.raised.append((step, "Runtime.MarshalError", str(error)))
            raise StateError("Runtime.MarshalError", str(error)) from error

    def count_call(self, answer: Any) -> Any:
        """Wraps the cloud, so that a function may crash between its calls."""

        def counted(call: Call) -> Reply:
            if self._calls_left is not None:
                self._calls_left -= 1
                if self._calls_left < 0:
                    raise FunctionEnded("Runtime.ExitError", "signal: killed")
            reply: Reply = answer(call)
            return reply

        return counted

    def unless_crashing(self, answer: Undisturbed) -> Undisturbed:
        """Wraps what answers undisturbed calls: while calls are counted, none may go past the count."""
        return lambda call: None if self._calls_left is not None else answer(call)

    @contextmanager
    def logging(self) -> Iterator[None]:
        """Within it, what the functions log comes here: the verdicts. The rest is not even written."""
        silent = mock.Mock()
        with (
            mock.patch.object(Logger, "info", self._log),
            mock.patch.multiple(Logger, warning=silent, error=silent, exception=silent),
        ):
            yield

    def _log(self, message: object, *_: object, extra: Mapping[str, Any] | None = None, **__: object) -> None:
        if message == "verdict" and extra:
            self._logged.append(extra)
