"""What a run costs at AWS's list prices in us-east-1, without any free tier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.fleet.deployed import Deployed
from tests.benchmarks.fleet.run import Run

# https://aws.amazon.com/step-functions/pricing/: Standard workflows, each state transition
TRANSITION: Final = 25 / 1e6
# https://aws.amazon.com/lambda/pricing/: each GB-second by architecture, each request
_GB_SECOND: Final[Mapping[str, float]] = {"arm64": 0.0000133334, "x86_64": 0.0000166667}
_REQUEST: Final = 0.20 / 1e6
# https://aws.amazon.com/cloudwatch/pricing/: collected and vended logs, each GB
_LOGGED_GB: Final = 0.50
# https://aws.amazon.com/dynamodb/pricing/on-demand/: write and read request units
_WRITE: Final = 0.625 / 1e6
_READ: Final = 0.125 / 1e6
# https://aws.amazon.com/eventbridge/pricing/ and https://aws.amazon.com/secrets-manager/pricing/
_CALLS: Final[Mapping[str, float]] = {"PutEvents": 1 / 1e6, "GetSecretValue": 0.05 / 1e4}
# https://aws.amazon.com/fargate/pricing/: Linux on x86, us-east-1, each vCPU-hour and GB-hour
_FARGATE_VCPU_HOUR: Final = 0.04048
_FARGATE_GB_HOUR: Final = 0.004445


@dataclass(frozen=True)
class Price:
    """Dollars of one run by what they are paid for."""

    transitions: float
    functions: float
    function_logs: float
    machine_logs: float
    other: float

    @property
    def logs(self) -> float:
        return self.function_logs + self.machine_logs

    @property
    def total(self) -> float:
        return self.transitions + self.functions + self.logs + self.other


def price(run: Run, cpu_of: Mapping[str, float] | None = None) -> Price:
    """The price of a run.

    Args:
        cpu_of: by step, seconds of a whole core that an invocation works, or one poll of it, where the run was
            simulated without. Steps that are missing work no time: the functions only wait for answers.
    """
    cpu = cpu_of or {}
    calls = run.cloud.calls
    return Price(
        run.history.transitions * TRANSITION,
        sum(
            invocation_price(
                run.deployed,
                one.handler,
                one.seconds
                + cpu.get(one.step, 0.0) * max(1, one.polls) / run.deployed.share_of_a_core(one.handler),
            )
            for one in run.functions.invocations
        ),
        logs_price(sum(one.logged for one in run.functions.invocations)),
        logs_price(run.log_bytes_of_the_machine),
        run.cloud.written * _WRITE
        + calls["GetItem"] * _READ
        + sum(calls[operation] * each for operation, each in _CALLS.items()),
    )


def invocation_price(deployed: Deployed, handler: str, seconds: float) -> float:
    """Of one invocation that takes so long."""
    gigabytes = deployed.memory_mb[handler] / 1024
    return _REQUEST + seconds * gigabytes * _GB_SECOND[deployed.architecture[handler]]


def logs_price(logged: int) -> float:
    """Of so many bytes."""
    return logged / 1e9 * _LOGGED_GB


def smallest_fargate_task(seconds: float) -> float:
    """The price of a task with 0.25 vCPU and 0.5 GB for so long."""
    return (0.25 * _FARGATE_VCPU_HOUR + 0.5 * _FARGATE_GB_HOUR) * seconds / 3600
