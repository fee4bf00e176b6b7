"""Delivering commands to the agents of instances, and timing out where no agent answers."""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Final

from local_aws.agent.agent import Agent
from local_aws.run_command.agent_queues import AgentQueues
from local_aws.run_command.command import Command, Invocation

CHECK_SECONDS: Final = 0.2
"""How often the delivery checks for agents that answer again, and for timeouts."""

_logger = logging.getLogger(__name__)


class Delivery:
    """Delivers invocations to agents, as many of a command as it allows at once, and five at once to an agent.

    One more thread checks five times a second for two things. An invocation whose agent does not answer is Delayed
    until it does, and DeliveryTimedOut after TimeoutSeconds and the document's execution timeout together. One that is
    never reported on, because it was lost or its instance ended, stays InProgress just as long, as on AWS.
    """

    def __init__(self, agents: Mapping[tuple[str, str], Agent], clock: Callable[[], float]) -> None:
        self._agents = agents
        self._clock = clock
        self._queues = AgentQueues()
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
        """Stop a command on these instances. What does not run ends at once, the rest when its agent reports."""
        with command.lock:
            command.cancel_requested = True
            for invocation in command.invocations:
                if invocation.instance_id not in instance_ids or invocation.ended:
                    continue
                invocation.cancelled.set()
                invocation.become("Cancelling" if invocation.is_running else "Cancelled", self._clock())
        self._advance(command)

    def close(self) -> None:
        """Stop everything that runs; no status changes any more."""
        self._closed.set()
        with self._lock:
            for command in self._open:
                for invocation in command.invocations:
                    invocation.cancelled.set()

    def _advance(self, command: Command) -> None:
        """Send the next invocations in order, up to the command's concurrency, unless too many have failed."""
        with command.lock:
            waiting = [
                each for each in command.invocations if each.status_details == "Pending" and not each.was_sent
            ]
            if command.errors > command.errors_allowed:
                command.stopped_by_errors = True
                for invocation in waiting:
                    invocation.become("Terminated", self._clock())
                return
            under_way = sum(not each.ended and each not in waiting for each in command.invocations)
            for invocation in waiting[: max(0, command.concurrency - under_way)]:
                self._deliver(command, invocation)

    def _deliver(self, command: Command, invocation: Invocation) -> None:
        agent = self._agents.get((command.region, invocation.instance_id))
        if agent is None or agent.ping_status != "Online":
            if invocation.status_details != "Delayed":
                invocation.become("Delayed", self._clock())
            return
        if (details := agent.faults.take_end()) is not None:
            invocation.become(details, self._clock())
            return
        invocation.was_sent = True
        invocation.become("InProgress", self._clock())
        if agent.faults.take_loss():
            return
        for _ in range(agent.faults.take_deliveries()):
            self._queues.submit(
                (command.region, invocation.instance_id), lambda: self._run(agent, command, invocation)
            )

    def _run(self, agent: Agent, command: Command, invocation: Invocation) -> None:
        def on_start() -> None:
            with command.lock:
                invocation.start(self._clock())

        if invocation.cancelled.is_set():
            return
        try:
            result = agent.run(
                dict(command.document.content), dict(command.parameters), invocation.cancelled, on_start
            )
        except Exception as error:  # noqa: BLE001  # whatever ends an agent, the service gets no report
            _logger.warning("%s will not report on %s: %r", invocation.instance_id, command.command_id, error)
            return
        self._wait_for_connection(agent)
        with command.lock:
            if not invocation.ended:
                invocation.finish(result, self._clock())
        self._advance(command)

    def _wait_for_connection(self, agent: Agent) -> None:
        """A script goes on while its agent is away; the agent reports the result when it is back."""
        while agent.ping_status != "Online" and not self._closed.wait(CHECK_SECONDS):
            pass

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
                if now > (command.expires_at if invocation.was_sent else command.delivery_deadline):
                    # A script that runs is not ended by this: it ends at its own time limit.
                    invocation.become("DeliveryTimedOut", now)
                elif invocation.status_details == "Delayed":
                    self._deliver(command, invocation)
        self._advance(command)
