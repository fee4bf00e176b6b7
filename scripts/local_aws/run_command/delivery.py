"""Bringing commands to the agents of instances, and giving up on those that do not answer."""

import logging
import threading
import time
from collections.abc import Mapping

from local_aws.agent.agent import Agent
from local_aws.run_command.command import Command, Invocation

_TICK_SECONDS = 0.2
_logger = logging.getLogger(__name__)


class Delivery:
    """Hands invocations to agents, each in a thread of its own, as many of a command as it allows at once.

    One thread more looks five times a second after those whose agent does not answer (Delayed until it does,
    DeliveryTimedOut after the time to start) and those that never report back: an instance that went away in the
    middle leaves its invocation InProgress until the command expires, as on AWS.
    """

    def __init__(self, agents: Mapping[tuple[str, str], Agent]) -> None:
        self._agents = agents
        self._open: list[Command] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._watch: threading.Thread | None = None

    def send(self, command: Command) -> None:
        """Begin to deliver a command."""
        with self._lock:
            self._open.append(command)
            if self._watch is None:
                self._watch = threading.Thread(
                    target=self._look_after_open_commands, name="delivery", daemon=True
                )
                self._watch.start()
        self._advance(command)

    def cancel(self, command: Command, instance_ids: set[str]) -> None:
        """Stop a command on these instances; what has not begun ends at once, the rest when its agent says so."""
        with command.lock:
            command.cancel_requested = True
            for invocation in command.invocations:
                if invocation.instance_id not in instance_ids or invocation.ended:
                    continue
                invocation.cancelled.set()
                begun = invocation.started_at is not None
                invocation.status_details = "Cancelling" if begun else "Cancelled"
        self._advance(command)

    def close(self) -> None:
        """Stop everything that runs; no status is kept."""
        self._closed.set()
        with self._lock:
            for command in self._open:
                for invocation in command.invocations:
                    invocation.cancelled.set()

    def _advance(self, command: Command) -> None:
        """Start what may start: the next ones in order, up to the command's concurrency, until too many failed."""
        with command.lock:
            if command.errors > command.errors_allowed:
                command.stopped_by_errors = True
                for invocation in command.invocations:
                    if invocation.status_details == "Pending" and invocation.started_at is None:
                        invocation.status_details = "Terminated"
            going_on = sum(not each.ended and self._sent(each) for each in command.invocations)
            for invocation in command.invocations:
                if going_on >= command.concurrency:
                    return
                if invocation.status_details == "Pending" and invocation.started_at is None:
                    going_on += 1
                    self._hand_over(command, invocation)

    @staticmethod
    def _sent(invocation: Invocation) -> bool:
        return invocation.started_at is not None or invocation.status_details == "Delayed"

    def _hand_over(self, command: Command, invocation: Invocation) -> None:
        agent = self._agents.get((command.region, invocation.instance_id))
        if agent is None or agent.ping_status != "Online":
            invocation.status_details = "Delayed"
            return
        invocation.started_at = time.time()
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
                invocation.started_at = time.time()
                if invocation.status_details == "Pending":
                    invocation.status_details = "InProgress"

        try:
            result = agent.run(
                dict(command.document.content), dict(command.parameters), invocation.cancelled, on_start
            )
        except Exception as error:  # noqa: BLE001  # whatever ends an agent, the service hears nothing of it
            _logger.warning("%s will not report on %s: %r", invocation.instance_id, command.command_id, error)
            return
        with command.lock:
            if not invocation.ended:
                invocation.finish(result)
        self._advance(command)

    def _look_after_open_commands(self) -> None:
        while not self._closed.wait(_TICK_SECONDS):
            with self._lock:
                self._open = [command for command in self._open if not command.ended]
                open_commands = list(self._open)
            for command in open_commands:
                self._look_after(command)

    def _look_after(self, command: Command) -> None:
        now = time.time()
        with command.lock:
            for invocation in command.invocations:
                if invocation.ended:
                    continue
                not_begun = invocation.started_at is None
                if now > command.expires_at or (not_begun and now > command.delivery_deadline):
                    invocation.status_details = "DeliveryTimedOut"
                    invocation.cancelled.set()
                elif invocation.status_details == "Delayed":
                    self._hand_over(command, invocation)
        self._advance(command)
