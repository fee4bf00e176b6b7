"""The agents of all instances that the local AWS runs.

Elastic Beanstalk adds an agent when its host is up; Run Command looks it up.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping

from local_aws.agent.agent import Agent


class AgentRegistry(Mapping[tuple[str, str], Agent]):
    """The agents of all regions by (region, instance id), an instance without an agent included.

    An instance is in it from the moment its host is up until it is terminated. Safe to use from every thread;
    iterating goes over a copy.
    """

    def __init__(self) -> None:
        self._agents: dict[tuple[str, str], Agent] = {}
        self._lock = threading.Lock()

    def add(self, agent: Agent) -> None:
        with self._lock:
            self._agents[agent.region, agent.instance_id] = agent

    def remove(self, region: str, instance_id: str) -> Agent | None:
        with self._lock:
            return self._agents.pop((region, instance_id), None)

    def __getitem__(self, key: tuple[str, str]) -> Agent:
        with self._lock:
            return self._agents[key]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        with self._lock:
            return iter(list(self._agents))

    def __len__(self) -> int:
        with self._lock:
            return len(self._agents)
