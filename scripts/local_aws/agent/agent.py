"""What the SSM agent does on a managed instance: execute a command document, and report the result.

How it executes a document (process group, output limits, special exit codes) follows the agent's source, 3.3.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from local_aws.agent.agent_faults import AgentFaults
from local_aws.agent.document import DOWNLOAD, SHELL, DocumentError, Parameters, Step, parse
from local_aws.agent.download_step import run_download
from local_aws.agent.result import DocumentResult, StepOutcome, StepResult, StepStatus
from local_aws.agent.shell_step import KILLED, run_shell
from local_aws.hosts.host import Host, HostError

PingStatus = Literal["Online", "ConnectionLost"]

PING_SECONDS = 300
"""How often an agent pings the service; one that has not for longer reads ConnectionLost."""

SKIP_REST_SUCCEEDED = 168
SKIP_REST_FAILED = 169
REQUEST_REBOOT = 194


class InstanceEnded(Exception):
    """The instance ended while its agent ran a command; the service never gets a result."""


class Agent:
    """The agent of one instance.

    `ping_status` is None on a host where no agent is installed: the service does not list such an instance.
    With `ConnectionLost` it is listed, and commands for it are never picked up. Its first ping was at `registered_at`,
    in seconds since the epoch, by default now.
    """

    def __init__(
        self,
        region: str,
        instance_id: str,
        host: Host,
        ping_status: PingStatus | None = "Online",
        registered_at: float | None = None,
    ) -> None:
        self.region = region
        self.instance_id = instance_id
        self.host = host
        self.ping_status: PingStatus | None = ping_status
        self.faults = AgentFaults()
        self._registered_at = time.time() if registered_at is None else registered_at
        self._silent_since: float | None = None

    def lose_connection(self, since: float) -> None:
        """It answers nothing any more; running scripts go on. `since` is in seconds since the epoch."""
        self.ping_status = "ConnectionLost"
        self._silent_since = since

    def reconnect(self, now: float) -> None:
        """It answers again, and reports what has ended meanwhile."""
        self.ping_status = "Online"
        self._registered_at = now
        self._silent_since = None

    def last_ping(self, now: float) -> float:
        """When it pinged last: up to five minutes ago while it is online."""
        until = now if self.ping_status == "Online" else self._silent_since or self._registered_at
        pings = max(0, int((until - self._registered_at) // PING_SECONDS))
        return min(until, self._registered_at + pings * PING_SECONDS)

    def shown_status(self, now: float) -> PingStatus | None:
        """What the service says of it: one that has just died reads Online until its next ping is missing."""
        if self._silent_since is not None and now <= self.last_ping(now) + PING_SECONDS:
            return "Online"
        return self.ping_status

    def run(
        self,
        document: Mapping[str, Any],
        parameters: Mapping[str, list[str] | str],
        cancelled: threading.Event,
        on_start: Callable[[], None],
    ) -> DocumentResult:
        """Execute a schema 2.2 document; blocks until it has ended. Calls `on_start` before the first step.

        Setting `cancelled` kills the running step's process group; steps that have not started are skipped.
        Raises InstanceEnded when the host ends meanwhile: the service then never gets a result.
        """
        on_start()
        host = self.host  # a reboot gives the agent another
        try:
            steps = parse(document, Parameters.given(document, parameters))
        except DocumentError as error:
            return DocumentResult((_unreadable(str(error)),))
        return DocumentResult(tuple(self._run_steps(host, steps, cancelled)))

    def _run_steps(
        self, host: Host, steps: tuple[Step, ...], cancelled: threading.Event
    ) -> Iterator[StepResult]:
        folder = f"/var/lib/amazon/ssm/{self.instance_id}/document/orchestration/{uuid.uuid4()}"
        for step in steps:
            result = self._run_step(host, step, f"{folder}/{step.name}", cancelled)
            yield result
            if cancelled.is_set() or result.response_code in (SKIP_REST_SUCCEEDED, SKIP_REST_FAILED):
                return
            if result.status_details == "Failed" and step.exit_on_failure:
                return

    def _run_step(self, host: Host, step: Step, folder: str, cancelled: threading.Event) -> StepResult:
        started_at = datetime.now(UTC)
        environment = {"AWS_SSM_INSTANCE_ID": self.instance_id, "AWS_SSM_REGION_NAME": self.region}
        try:
            if step.download:
                outcome = run_download(host, step.download)
            else:
                outcome = run_shell(host, step, folder, environment, cancelled)
        except (HostError, OSError) as error:
            raise InstanceEnded(f"The instance {self.instance_id} ended: {error}") from error
        if not host.is_running:
            raise InstanceEnded(f"The instance {self.instance_id} ended while it ran {step.name}.")
        stderr = outcome.stderr
        if outcome.code == REQUEST_REBOOT:
            stderr += b"\nExit code 194 requests a reboot, which a local worker host does not support."
        return StepResult(
            name=step.name,
            plugin=DOWNLOAD if step.download else SHELL,
            status_details=_status(outcome),
            response_code=outcome.code,
            stdout=outcome.stdout.decode(errors="replace"),
            stderr=stderr.decode(errors="replace"),
            started_at=started_at,
            ended_at=datetime.now(UTC),
        )


def _status(outcome: StepOutcome) -> StepStatus:
    if outcome.code in (0, SKIP_REST_SUCCEEDED):
        return "Success"
    if outcome.code == KILLED:
        return "Cancelled" if outcome.was_cancelled else "TimedOut"
    return "Failed"


def _unreadable(reason: str) -> StepResult:
    now = datetime.now(UTC)
    return StepResult("", SHELL, "Failed", 1, "", reason, now, now)
