"""A scenario as data: the fleet, the request, and everything that goes wrong. Each part is one line of its story."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.soak.cloud.faults import ApiFault
from tests.soak.cloud.slack import NAMED_CHANNEL

REGIONS: Final = ("us-east-1", "eu-west-1", "ap-southeast-2")
"""The regions that Snow White is deployed in."""
APPLICATION: Final = "shop"
SELECTORS: Final[Mapping[str, Mapping[str, Any]]] = {
    "application": {"application": APPLICATION, "environments": "workers"},
    "auto_scaling_groups": {"auto_scaling_groups": "shop-workers-?"},
    "tags": {"tags": {"Role": ["worker"]}},
}
"""They select the same instances."""
FOREVER: Final = 10_000_000.0


@dataclass(frozen=True)
class EnvironmentSpec:
    """An environment; `made_at` seconds after the start, 0 for one that is there before."""

    region: str
    name: str
    id: str
    made_at: float = 0.0

    def __str__(self) -> str:
        made = f", made after {self.made_at:.0f} s" if self.made_at else ""
        return f"environment {self.name} ({self.region}{made})"


@dataclass(frozen=True)
class HostSpec:
    """A host with its workers.

    Attributes:
        state: of its workers at the start: awake, quiet, stopped or absent.
        jobs: for each worker, the seconds that its job still runs when it is quieted.
        launched_at: seconds after the start; negative for one that is there before.
        agent: "online", "lost" (registered, but silent for long) or "none".
        lie: how its answers are garbled, "" for not at all.
    """

    id: str
    region: str
    environment: str
    state: str
    jobs: tuple[float, ...]
    launched_at: float = -259_200.0
    agent: str = "online"
    lie: str = ""

    def __str__(self) -> str:
        jobs = ", ".join("for ever" if one >= FOREVER else f"{one:.0f} s" for one in self.jobs)
        said = [f"host {self.id} ({self.region}): {self.state}, jobs of {jobs}"]
        if self.launched_at > 0:
            said.append(f"launched after {self.launched_at:.0f} s")
        if self.agent != "online":
            said.append(f"agent {self.agent}")
        if self.lie:
            said.append(f"its answers are garbled ({self.lie})")
        return ", ".join(said)


@dataclass(frozen=True)
class HostEvent:
    """What happens to a host, `at` seconds after the start; `seconds` is how long it lasts."""

    at: float
    host: str
    kind: str
    seconds: float = 60.0

    def __str__(self) -> str:
        lasts = "for ever" if self.seconds >= FOREVER else f"{self.seconds:.0f} s"
        return f"after {self.at:.0f} s: {self.kind} of {self.host} ({lasts})"


@dataclass(frozen=True)
class Delivery:
    """The fate of the `number`th command to a host: "lost" or "twice"."""

    host: str
    number: int
    kind: str

    def __str__(self) -> str:
        return f"command {self.number + 1} to {self.host}: {self.kind}"


@dataclass(frozen=True)
class LambdaFault:
    """What happens to the `number`th invocation of a step; `calls` of AWS are made before a crash during it."""

    step: str
    number: int
    kind: str
    calls: int = 0

    def __str__(self) -> str:
        after = f" after {self.calls} calls" if self.kind == "crash-during" else ""
        return f"invocation {self.number + 1} of {self.step}: {self.kind}{after}"


@dataclass(frozen=True)
class SlackFault:
    """Slack answers nothing but this kind of error for a time."""

    kind: str
    start: float
    seconds: float

    def __str__(self) -> str:
        return f"after {self.start:.0f} s, for {self.seconds:.0f} s: Slack: {self.kind}"


@dataclass(frozen=True)
class Scenario:
    """One run with its world. `healthy` says that it must end SUCCEEDED.

    Attributes:
        other_run: the action of another run that is under way on the same environments at the start; "" for none.
        selector: what selects the fleet: its application, its auto_scaling_groups or its tags.
        stopped_at: seconds after the start at which a person stops the execution; `FOREVER` for never.
        dies: it is Step Functions itself that ends the execution then.
        wake_after: seconds after which the workers are to be woken; None for never.
        earlier_lease: an earlier run on the same fleet has left a schedule that wakes it.
    """

    seed: int
    action: str
    timeout_seconds: int
    regions: tuple[str, ...] | None
    healthy: bool
    environments: tuple[EnvironmentSpec, ...]
    hosts: tuple[HostSpec, ...]
    events: tuple[HostEvent, ...] = ()
    faults: tuple[ApiFault, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    lambda_faults: tuple[LambdaFault, ...] = ()
    slack_faults: tuple[SlackFault, ...] = ()
    other_run: str = ""
    selector: str = "application"
    stopped_at: float = FOREVER
    dies: bool = False
    wake_after: int | None = None
    earlier_lease: bool = False

    @property
    def request(self) -> dict[str, Any]:
        named = {} if self.regions is None else {"regions": list(self.regions)}
        return {
            "action": self.action,
            **SELECTORS[self.selector],
            "timeout_seconds": self.timeout_seconds,
            "channel": NAMED_CHANNEL,
            "requested_by": "pipeline soak",
            **named,
            **({} if self.wake_after is None else {"wake_after_seconds": self.wake_after}),
        }

    def story(self) -> list[str]:
        """The scenario in lines."""
        kind = "healthy: it must succeed" if self.healthy else "anything may happen"
        where = ", ".join(self.regions) if self.regions else "all regions"
        lines = [
            f"seed {self.seed} ({kind}): {self.action} by {self.selector} in {where}, timeout {self.timeout_seconds} s"
        ]
        if self.other_run:
            lines.append(f"  a {self.other_run} of the same environments is under way")
        if self.wake_after is not None:
            lines.append(f"  the workers are to be woken {self.wake_after} s after the first command")
        if self.earlier_lease:
            lines.append("  an earlier run has left a schedule that wakes them")
        if self.stopped_at < FOREVER:
            who = "Step Functions ends" if self.dies else "somebody stops"
            lines.append(f"  after {self.stopped_at:.0f} s {who} the execution")
        parts: list[object] = [*self.environments, *self.hosts, *self.events, *self.deliveries]
        parts += [*self.lambda_faults, *self.slack_faults]
        lines += [f"  {part}" for part in parts]
        lines += [
            f"  after {one.start:.0f} s, for {one.seconds:.0f} s: {one.operation} in {one.region}: {one.kind}"
            + (f" ({one.share:.0%} of the calls)" if one.share < 1 else "")
            for one in self.faults
        ]
        return lines
