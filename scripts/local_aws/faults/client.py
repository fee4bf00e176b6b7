"""Turning faults on and off from another process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any
from urllib.error import HTTPError

from local_aws.engine.json_request import json_request
from local_aws.faults.rules import PATH, CallFault, EventFault, FunctionFault


class FaultSwitches:
    """The faults of a running local AWS; all are off at first.

    Terminating, stopping, starting and rebooting an instance are EC2's own calls, and adding one is Elastic
    Beanstalk's. Every method raises ValueError with a sentence when there is no such fault or no such host.
    """

    def __init__(self, endpoint: str) -> None:
        self._url = f"{endpoint}{PATH}"

    def add(self, fault: CallFault | FunctionFault | EventFault) -> None:
        """Put a fault of calls, of functions or of events in force."""
        kind = {CallFault: "call", FunctionFault: "function", EventFault: "event"}[type(fault)]
        self._turn_on(kind, **asdict(fault))

    def throttle_like_aws(self, *, on: bool = True) -> None:
        """Throttle everybody but the root user by AWS's buckets of tokens (`token_buckets`), full at first."""
        self._turn_on("throttling", on=on)

    def lists(
        self, *, lag_seconds: float = 0.0, repeats_rows: bool = False, for_seconds: float | None = None
    ) -> None:
        """Let Run Command's lists be so far behind, and show rows twice; it is over after `for_seconds`."""
        self._turn_on("lists", lag_seconds=lag_seconds, repeats_rows=repeats_rows, for_seconds=for_seconds)

    def pipeline_ends(
        self,
        region: str,
        pipeline: str,
        execution: str,
        state: str,
        actions: Iterable[tuple[str, str, str]] = (),
    ) -> None:
        """An execution of CodePipeline ends as FAILED, STOPPED or CANCELED.

        `actions` are those that it has had, in their order: name, status, and the ARN of what it started or "".
        """
        self._turn_on(
            "pipeline_ends",
            region=region,
            pipeline=pipeline,
            execution=execution,
            state=state,
            actions=list(actions),
        )

    def agent_dies(
        self,
        region: str,
        instance: str,
        *,
        silent_seconds: float = 0.0,
        for_seconds: float | None = None,
    ) -> None:
        """The agent answers nothing any more, as if it had died `silent_seconds` ago; running scripts go on.

        The service shows it as Online until its next ping is missing. It comes back after `for_seconds`.
        """
        self._turn_on(
            "agent_dies",
            region=region,
            instance=instance,
            silent_seconds=silent_seconds,
            for_seconds=for_seconds,
        )

    def agent_returns(self, region: str, instance: str) -> None:
        """The agent answers again."""
        self._turn_on("agent_returns", region=region, instance=instance)

    def agent_removed(self, region: str, instance: str) -> None:
        """The host has no agent any more: the service does not list it."""
        self._turn_on("agent_removed", region=region, instance=instance)

    def commands_lost(self, region: str, instance: str, commands: int = 1) -> None:
        """The next commands to the instance read InProgress, and its agent never hears of them."""
        self._turn_on("commands_lost", region=region, instance=instance, commands=commands)

    def commands_delivered_twice(self, region: str, instance: str, commands: int = 1) -> None:
        """The agent gets the next commands twice, and runs both."""
        self._turn_on("commands_delivered_twice", region=region, instance=instance, commands=commands)

    def commands_end_as(self, region: str, instance: str, status_details: str, commands: int = 1) -> None:
        """The service ends the next commands to the instance with this StatusDetails, for example Undeliverable."""
        self._turn_on(
            "commands_end_as",
            region=region,
            instance=instance,
            status_details=status_details,
            commands=commands,
        )

    def commands_refused(self, region: str, status_details: str, commands: int = 1) -> None:
        """The service ends the next commands of a region as LimitExceeded or RateExceeded, on all instances."""
        self._turn_on("commands_refused", region=region, status_details=status_details, commands=commands)

    def replaced(self, region: str, instance: str) -> None:
        """The instance is terminated, and another is launched in its environment."""
        self._turn_on("replaced", region=region, instance=instance)

    def spot_interrupted(self, region: str, instance: str, *, notice_seconds: float = 120.0) -> None:
        """EC2 gives notice that it interrupts the instance, and terminates it so many seconds later.

        The factor on waiting times applies.
        """
        self._turn_on("spot_interrupted", region=region, instance=instance, notice_seconds=notice_seconds)

    def rebalance_recommended(self, region: str, instance: str) -> None:
        """EC2 says that it is likely to interrupt the instance, and does not."""
        self._turn_on("rebalance_recommended", region=region, instance=instance)

    def happened(self) -> list[dict[str, Any]]:
        """The calls, invocations and events that something happened to since the last `clear`."""
        happened: list[dict[str, Any]] = json_request("GET", self._url)
        return happened

    def clear(self) -> None:
        """Turn everything off. Agents that died or were removed stay so; `agent_returns` brings them back."""
        json_request("DELETE", self._url)

    @contextmanager
    def cleared(self) -> Iterator[FaultSwitches]:
        """For a `with` block: everything is off after it."""
        try:
            yield self
        finally:
            self.clear()

    def _turn_on(self, what: str, **arguments: Any) -> None:
        try:
            json_request("POST", self._url, {"what": what, **arguments})
        except HTTPError as error:
            with error:
                raise ValueError(error.read().decode()) from None
