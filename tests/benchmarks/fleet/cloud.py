"""The simulated AWS of the benchmarks: answers as large as AWS's, buckets of tokens, and throttling.

It is that of tests/soak/ with instances as EC2 describes them, in about 5 KB, and what a host with twenty processes
says, in about 2.4 KB.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random
from typing import Any, Final

from local_aws.faults.token_buckets import TokenBuckets
from tests.benchmarks.fleet.ec2_answer import describe_instances
from tests.benchmarks.fleet.schedule import Schedule
from tests.soak.cloud.cloud import Cloud
from tests.soak.cloud.encoding import Call, Reply, ServiceError, answer, refusal

CALL_SECONDS: Final = 0.08
_OUTPUT_BYTES: Final = 2_400
_THROTTLED: Final[Mapping[str, tuple[str, int]]] = {
    "ec2": ("RequestLimitExceeded", 503),
    "elasticbeanstalk": ("Throttling", 400),
}


@dataclass
class FleetCloud:
    """Answers every call.

    Attributes:
        throttled_share: so many of SSM's calls are throttled, by chance.
        has_buckets: whether calls are throttled as AWS does it.
        large: whether the answers are as large as AWS's; small ones have the same rows.
        calls: by operation, with those that were throttled.
        written: bytes of the items that were written to DynamoDB, in units of 1 KB.
    """

    cloud: Cloud
    clock: Schedule
    throttled_share: float = 0.0
    large: bool = True
    has_buckets: bool = True
    calls: Counter[str] = field(default_factory=Counter)
    throttled: Counter[str] = field(default_factory=Counter)
    written: int = 0
    _random: Random = field(default_factory=lambda: Random(1))  # noqa: S311

    def __post_init__(self) -> None:
        self._buckets = TokenBuckets(lambda: self.clock.now)

    def __call__(self, call: Call) -> Reply:
        """The answer, after the time that a call takes."""
        with self.clock.not_measured():
            self.calls[call.operation] += 1
            self.clock.sleep(CALL_SECONDS)
            try:
                self._demand_token(call)
                return self._reply(call)
            except ServiceError as error:
                return refusal(call, error, "request")

    def undisturbed(self, call: Call) -> Reply | None:
        """The answer of a call that is not throttled; None, without any effect, of one that may be."""
        if self.throttled_share or not self._takes_token(call):
            return None
        with self.clock.not_measured():
            self.calls[call.operation] += 1
            self.clock.sleep(CALL_SECONDS)
            try:
                return self._reply(call)
            except ServiceError as error:
                return refusal(call, error, "request")

    def _takes_token(self, call: Call) -> bool:
        return not self.has_buckets or self._buckets.take(call.service, call.operation, call.region)

    def _demand_token(self, call: Call) -> None:
        by_chance = call.service == "ssm" and self._random.random() < self.throttled_share
        if by_chance or not self._takes_token(call):
            self.throttled[call.operation] += 1
            code, status = _THROTTLED.get(call.service, ("ThrottlingException", 400))
            raise ServiceError(code, "Rate exceeded", status)

    def _reply(self, call: Call) -> Reply:
        if call.operation in ("PutItem", "UpdateItem"):
            self.written += 1 + len(json.dumps(call.parameters)) // 1024
        value = self.cloud.value(call, set(), self.clock.now)
        headers = {"x-amzn-RequestId": "request"}
        if call.operation == "DescribeInstances":
            return Reply(200, describe_instances(value, large=self.large), headers)
        if call.operation == "ListCommandInvocations" and self.large:
            for row in value["CommandInvocations"]:
                for plugin in row["CommandPlugins"]:
                    plugin["Output"] = _widened(plugin["Output"])
        if call.service == "ssm":
            return Reply(200, json.dumps(value).encode(), headers)
        return answer(call, value, "request")


@lru_cache(maxsize=4096)
def _widened(output: str) -> str:
    """The output as a host with more processes writes it."""
    line, separator, rest = output.partition("\n")
    if not line.startswith("{"):
        return output
    said: dict[str, Any] = json.loads(line)
    processes = said.get("processes", [])
    while processes and len(json.dumps(said)) + len(separator + rest) + 120 < _OUTPUT_BYTES:
        processes.append({**processes[0], "pid": processes[-1]["pid"] + 7})
    return json.dumps(said) + separator + rest
