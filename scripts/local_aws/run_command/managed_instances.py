"""The managed instances: those with an SSM agent, and whether it answers."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from local_aws.agent.agent import Agent
from local_aws.engine.service_error import ServiceError
from local_aws.run_command.listing import Consistency, page_of


class ManagedInstances:
    """The managed instances of all regions.

    `agents` holds the agent of each instance by (region, instance id). `is_running` tells whether EC2 runs an
    instance. `clock` gives the seconds since the epoch by which an agent is silent for so and so long.
    """

    def __init__(
        self,
        agents: Mapping[tuple[str, str], Agent],
        is_running: Callable[[str, str], bool],
        clock: Callable[[], float] = time.time,
        consistency: Consistency | None = None,
    ) -> None:
        self.agents = agents
        self._is_running = is_running
        self._clock = clock
        self._consistency = consistency or Consistency()

    def is_managed(self, region: str, instance_id: str) -> bool:
        """Whether a command may be sent to the instance; its agent need not answer."""
        return self._ping(region, instance_id) is not None and self._is_running(region, instance_id)

    def describe(self, region: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """DescribeInstanceInformation: the managed instances, those whose agent is lost included."""
        filters = [*(request.get("Filters") or []), *(request.get("InstanceInformationFilterList") or [])]
        wanted = [_instance_filter(each) for each in filters]
        managed = sorted(
            instance_id
            for where, instance_id in list(self.agents)
            if where == region
            and all(self._passes(region, instance_id, key, values) for key, values in wanted)
            and self.is_managed(region, instance_id)
        )
        page, token = page_of(
            enumerate(managed),
            request,
            lambda pair: -pair[0],
            default=10,
            smallest=5,
            repeats_rows=self._consistency.repeats(self._clock()),
        )
        rows = [self._information(region, each) for _, each in page]
        return {"InstanceInformationList": [each for each in rows if each], **token}

    def _passes(self, region: str, instance_id: str, key: str, values: list[str]) -> bool:
        return (instance_id if key == "InstanceIds" else self._ping(region, instance_id)) in values

    def _ping(self, region: str, instance_id: str) -> str | None:
        agent = self.agents.get((region, instance_id))
        return agent.shown_status(self._clock()) if agent else None

    def _information(self, region: str, instance_id: str) -> dict[str, Any]:
        agent = self.agents.get((region, instance_id))
        if agent is None:  # it has ended since
            return {}
        return {
            "InstanceId": instance_id,
            "PingStatus": agent.shown_status(self._clock()) or "Inactive",
            "LastPingDateTime": agent.last_ping(self._clock()),
            "AgentVersion": "3.3.2299.0",
            "IsLatestVersion": True,
            "PlatformType": "Linux",
            "PlatformName": "Amazon Linux",
            "PlatformVersion": "2023",
            "ResourceType": "EC2Instance",
        }


def _instance_filter(given: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Key and values of a filter of DescribeInstanceInformation, in either of its two shapes."""
    key = str(given.get("Key") or given.get("key"))
    if key not in ("InstanceIds", "PingStatus"):
        raise ServiceError("InvalidInstanceInformationFilterValue", f"The filter {key} is not served here.")
    return key, given.get("Values") or given.get("valueSet") or []
