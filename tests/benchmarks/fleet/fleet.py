"""A fleet as data, and the simulated AWS that it lives in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tests.soak.scenarios.scenario import APPLICATION, FOREVER, EnvironmentSpec, HostEvent, HostSpec, Scenario

REGIONS: Final = (
    "us-east-1",
    "eu-west-1",
    "ap-southeast-2",
    "us-west-2",
    "eu-central-1",
    "us-east-2",
    "us-west-1",
    "ca-central-1",
    "eu-west-2",
    "eu-west-3",
    "eu-north-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-southeast-1",
    "ap-south-1",
    "sa-east-1",
)


@dataclass(frozen=True)
class Fleet:
    """Hosts, spread evenly over regions.

    Attributes:
        regions: the first so many of REGIONS.
        environments: in all regions together.
        first_end, last_end: seconds that the hosts' jobs still run when they are quieted: spread evenly in between.
        without_agent: so many have no agent.
        dying: so many lose their agent for ever after 30 seconds.
        new_every: a new instance is launched every so many seconds of the whole time; 0 for never.
    """

    instances: int
    regions: int = 1
    environments: int = 0
    first_end: float = FOREVER
    last_end: float = FOREVER
    without_agent: int = 0
    dying: int = 0
    new_every: float = 0
    timeout_seconds: int = 7200
    action: str = "quiet"

    @property
    def names(self) -> tuple[str, ...]:
        return REGIONS[: self.regions]

    def scenario(self) -> Scenario:
        """It in the words of the simulation."""
        count = max(self.environments, self.regions)
        environments = tuple(
            EnvironmentSpec(self.names[index % self.regions], f"shop-workers-{index}", f"e-{index:010}")
            for index in range(count)
        )
        hosts = [self._host(index, environments[index % count]) for index in range(self.instances)]
        dying = hosts[self.without_agent : self.without_agent + self.dying]
        return Scenario(
            seed=1,
            action=self.action,
            timeout_seconds=self.timeout_seconds,
            regions=self.names,
            healthy=False,
            environments=environments,
            hosts=(*hosts, *self._launched(environments)),
            events=tuple(HostEvent(30.0, one.id, "agent-dies", FOREVER) for one in dying),
        )

    def request(self) -> dict[str, Any]:
        """The input of the execution."""
        return {
            "action": self.action,
            "application": APPLICATION,
            "environments": "workers",
            "regions": list(self.names),
            "timeout_seconds": self.timeout_seconds,
            "channel": "C0BENCH",
        }

    def _host(self, index: int, environment: EnvironmentSpec) -> HostSpec:
        part = index / max(1, self.instances - 1)
        ends = self.first_end + (self.last_end - self.first_end) * part
        agent = "none" if index < self.without_agent else "online"
        return HostSpec(
            _id(index), environment.region, environment.id, "awake", (max(0.1, ends),), agent=agent
        )

    def _launched(self, environments: tuple[EnvironmentSpec, ...]) -> list[HostSpec]:
        if not self.new_every:
            return []
        count = int(self.timeout_seconds / self.new_every)
        return [
            HostSpec(
                _id(self.instances + index),
                environments[index % len(environments)].region,
                environments[index % len(environments)].id,
                "awake",
                (20.0,),
                launched_at=(index + 1) * self.new_every,
            )
            for index in range(count)
        ]


def _id(index: int) -> str:
    return f"i-0{index * 2654435761 % 2**32:08x}{index:08x}"
