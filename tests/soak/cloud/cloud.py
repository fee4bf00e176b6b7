"""The whole cloud of one scenario: its regions, and the services of the home region."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from tests.soak.cloud import faults
from tests.soak.cloud.clock import SimulatedClock
from tests.soak.cloud.encoding import Call, NotSimulated, Reply, ServiceError, answer, refusal
from tests.soak.cloud.executions import Executions
from tests.soak.cloud.region import Region
from tests.soak.cloud.scheduler import Scheduler
from tests.soak.cloud.table import Table

_LATENCY: Final = 0.06  # seconds of a call that goes well
_SLOW: Final = 6.0
_HOME: Final[dict[str, dict[str, Any]]] = {
    "GetSecretValue": {"Name": "token", "SecretString": "xoxb-simulated"},
    "PutEvents": {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]},
    "LookupEvents": {"Events": []},
    "ListExecutions": {"executions": []},
    "ListUserTags": {"Tags": [], "IsTruncated": False},
}


@dataclass
class Cloud:
    """Answers every call; `calls` counts them by operation."""

    clock: SimulatedClock
    regions: dict[str, Region]
    faults: faults.Faults
    random: Random
    calls: Counter[str] = field(default_factory=Counter)
    table: Table = field(default_factory=Table)
    executions: Executions = field(default_factory=Executions)
    scheduler: Scheduler = field(default_factory=Scheduler)

    def __call__(self, call: Call) -> Reply:
        return self._answered(call, self.faults.hitting(call, self.clock.elapsed))

    def undisturbed(self, call: Call) -> Reply | None:
        """Its answer; None, without any effect, if a fault may hit it."""
        return None if self.faults.may_hit(call, self.clock.elapsed) else self._answered(call, set())

    def _answered(self, call: Call, kinds: set[str]) -> Reply:
        self.calls[call.operation] += 1
        self.clock.sleep(_SLOW if "slow" in kinds else _LATENCY)
        try:
            refused = faults.fail_before(call, kinds) if kinds else None
            if refused:
                return refused
            reply = answer(call, self.value(call, kinds, self.clock.now), _request_id(call))
            return faults.fail_after(kinds, reply) if kinds else reply
        except ServiceError as error:
            return refusal(call, error, _request_id(call))
        except LookupError as error:
            raise NotSimulated(f"{call.service} {call.operation} cannot be answered: {error!r}") from error

    def advance(self) -> None:
        """Let everything happen that is due by now."""
        for region in self.regions.values():
            region.timeline.advance(self.clock.now)

    def value(self, call: Call, kinds: set[str], now: float) -> dict[str, Any]:
        """What the service answers, before it is written down."""
        if call.service == "stepfunctions":
            return self.executions.answer(call)
        if call.service == "dynamodb":
            return self.table.answer(call)
        if call.service == "scheduler":
            return self.scheduler.answer(call, now)
        if call.operation in _HOME:
            return _HOME[call.operation]
        region = self.regions[call.region]
        region.timeline.advance(now)
        return region.answer(call, kinds)


def _request_id(call: Call) -> str:
    return f"request-{call.operation}"
