"""Delivering commands to the agents of instances, and timing out where no agent answers."""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Final

from local_aws.agent.agent import Agent
from local_aws.run_command.command import Command, Invocation

CHECK_SECONDS: Final = 0.2
"""How often the delivery checks for agents that answer again, and for timeouts."""

_logger = logging.getLogger(__name__)


class Delivery:
    """Delivers invocations to agents, each in a thread of its own, as many of a command as it allows at once.

    One more thread checks five times a second for two things. An invocation whose agent does not answer is Delayed
    until it does, and DeliveryTimedOut after the time to start. One that is never reported on, because its instance
    ended meanwhile, stays InProgress until the command expires, as on AWS.
    """

    def __init__(self, agents: Mapping[tuple[str, str], Agent], clock: Callable[[], float]) -> None:
        self._agents = agents
        self._clock = clock
        self._open: list[Command] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._watch: threading.Thread | None = None

    def send(self, command: Command) -> None:
        """Start the delivery of a command."""
        with self._lock:
            self._open.append(command)
            if self._watch is None:
                self._watch = threading.Thread(target=self._watch_open_commands, name="delivery", daemon=True)
                self._watch.start()
        self._advance(command)

    def cancel(self, command: Command, instance_ids: set[str]) -> None:
        """Stop a command on these instances. What has not started ends at once, the rest when its agent reports."""
        with command.lock:
            command.cancel_requested = True
            for invocation in command.invocations:
                if invocation.instance_id not in instance_ids or invocation.ended:
                    continue
                invocation.cancelled.set()
                started = invocation.started_at is not None
                invocation.status_details = "Cancelling" if started else "Cancelled"
        self._advance(command)

    def close(self) -> None:
        """Stop everything that runs; no status changes any more."""
        self._closed.set()
        with self._lock:
            for command in self._open:
                for invocation in command.invocations:
                    invocation.cancelled.set()

    def _advance(self, command: Command) -> None:
        """Start the next invocations in order, up to the command's concurrency, unless too many have failed."""
        with command.lock:
            if command.errors > command.errors_allowed:
                command.stopped_by_errors = True
                for invocation in command.invocations:
                    if invocation.status_details == "Pending" and invocation.started_at is None:
                        invocation.status_details = "Terminated"
            running = sum(not each.ended and self._is_sent(each) for each in command.invocations)
            for invocation in command.invocations:
                if running >= command.concurrency:
                    return
                if invocation.status_details == "Pending" and invocation.started_at is None:
                    running += 1
                    self._deliver(command, invocation)

    @staticmethod
    def _is_sent(invocation: Invocation) -> bool:
        return invocation.started_at is not None or invocation.status_details == "Delayed"

    def _deliver(self, command: Command, invocation: Invocation) -> None:
        agent = self._agents.get((command.region, invocation.instance_id))
        if agent is None or agent.ping_status != "Online":
            invocation.status_details = "Delayed"
            return
        invocation.started_at = self._clock()
        invocation.status_details = "Pending"
        threading.Thread(
            target=self._run,
            args=(agent, command, invocation),
            name=f"run-{invocation.instance_id}",
            daemon=True,
        ).start()

    def _run(self, agent: Agent, command: Command, invocation: Invocation) -> None:
        def on_start() -> None:
            with command.lock:
                invocation.started_at = self._clock()
                if invocation.status_details == "Pending":
                    invocation.status_details = "InProgress"

        try:
            result = agent.run(
                dict(command.document.content), dict(command.parameters), invocation.cancelled, on_start
            )
        except Exception as error:  # noqa: BLE001  # whatever ends an agent, the service gets no report
            _logger.warning("%s will not report on %s: %r", invocation.instance_id, command.command_id, error)
            return
        with command.lock:
            if not invocation.ended:
                invocation.finish(result)
        self._advance(command)

    def _watch_open_commands(self) -> None:
        while not self._closed.wait(CHECK_SECONDS):
            with self._lock:
                self._open = [command for command in self._open if not command.ended]
                open_commands = list(self._open)
            for command in open_commands:
                self._check(command)

    def _check(self, command: Command) -> None:
        now = self._clock()
        with command.lock:
            for invocation in command.invocations:
                if invocation.ended:
                    continue
                not_started = invocation.started_at is None
                if now > command.expires_at or (not_started and now > command.delivery_deadline):
                    invocation.status_details = "DeliveryTimedOut"
                    invocation.cancelled.set()
                elif invocation.status_details == "Delayed":
                    self._deliver(command, invocation)
        self._advance(command)
