"""The faults of hosts, of their agents, and of the commands that are sent to them."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Any

from local_aws import spot
from local_aws.agent.agent import Agent
from local_aws.agent.registry import AgentRegistry
from local_aws.elastic_beanstalk.operations import EnvironmentOperations
from local_aws.run_command.service import RunCommand


class HostFaults:
    """What can happen to an instance. Each method raises KeyError for one that has no host."""

    def __init__(
        self, agents: AgentRegistry, operations: EnvironmentOperations, run_command: RunCommand
    ) -> None:
        self._agents = agents
        self._operations = operations
        self._run_command = run_command
        self._changes: dict[str, Callable[..., None]] = {
            "agent_dies": self._agent_dies,
            "agent_returns": lambda region, instance: self._agent(region, instance).reconnect(time.time()),
            "agent_removed": self._agent_removed,
            "commands_lost": lambda region, instance, commands: self._agent(region, instance).faults.lose(
                commands
            ),
            "commands_delivered_twice": self._commands_delivered_twice,
            "commands_end_as": self._commands_end_as,
            "replaced": self._replaced,
            "spot_interrupted": self._spot_interrupted,
            "rebalance_recommended": self._rebalance_recommended,
            "commands_refused": run_command.refuse_next,
        }

    def apply(self, change: str, arguments: dict[str, Any]) -> None:
        """Do it. ValueError when there is no such change, TypeError when an argument is missing or too many."""
        if change not in self._changes:
            raise ValueError(f"There is no change {change!r}, only {', '.join(self._changes)}.")
        self._changes[change](**arguments)

    def lists(self, lag_seconds: float, repeats_rows: bool, for_seconds: float | None = None) -> None:
        """How far Run Command's lists are behind, and whether they show rows twice; None: until it is changed."""
        consistency = self._run_command.consistency
        consistency.lag_seconds, consistency.repeats_rows = lag_seconds, repeats_rows
        consistency.until = math.inf if for_seconds is None else time.time() + for_seconds

    def clear(self) -> None:
        """No commands go wrong any more, and the lists are right; agents that died stay dead."""
        self.lists(0, False)
        self._run_command.clear_refusals()
        for agent in self._agents.values():
            agent.faults.clear()

    def _agent(self, region: str, instance: str) -> Agent:
        agent = self._agents.get((region, instance))
        if agent is None:
            raise KeyError(f"{instance} in {region} is no worker host.")
        return agent

    def _agent_dies(
        self, region: str, instance: str, silent_seconds: float = 0.0, for_seconds: float | None = None
    ) -> None:
        agent = self._agent(region, instance)
        agent.lose_connection(time.time() - silent_seconds)
        if for_seconds is not None:
            timer = threading.Timer(for_seconds, lambda: agent.reconnect(time.time()))
            timer.daemon = True
            timer.start()

    def _agent_removed(self, region: str, instance: str) -> None:
        self._agent(region, instance).ping_status = None

    def _commands_delivered_twice(self, region: str, instance: str, commands: int) -> None:
        self._agent(region, instance).faults.deliver_twice(commands)

    def _commands_end_as(self, region: str, instance: str, status_details: str, commands: int) -> None:
        self._agent(region, instance).faults.end_as(status_details, commands)

    def _spot_interrupted(self, region: str, instance: str, notice_seconds: float) -> None:
        self._demand_host(region, instance)
        spot.interrupt(region, instance, notice_seconds)

    def _rebalance_recommended(self, region: str, instance: str) -> None:
        self._demand_host(region, instance)
        spot.recommend_rebalance(region, instance)

    def _demand_host(self, region: str, instance: str) -> None:
        if not self._operations.has(region, instance):
            raise KeyError(f"{instance} in {region} is no worker host.")

    def _replaced(self, region: str, instance: str) -> None:
        self._agent(region, instance)
        threading.Thread(
            target=self._operations.replace_instance, args=(region, instance), daemon=True
        ).start()
