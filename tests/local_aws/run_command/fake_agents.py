"""Agents that do nothing until a test says how they end."""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

from local_aws.agent.agent import Agent, PingStatus
from local_aws.agent.result import DocumentResult, StepResult, StepStatus
from local_aws.hosts.host import Host

REGION = "eu-west-1"


def reported(status: StepStatus = "Success", code: int = 0, stdout: str = "") -> DocumentResult:
    """The result of a document with one step."""
    now = datetime.now(UTC)
    return DocumentResult((StepResult("work", "aws:runShellScript", status, code, stdout, "", now, now),))


class FakeAgent(Agent):
    """One without a host that runs a document until `end` is called, or until it is cancelled."""

    def __init__(
        self, ping_status: PingStatus | None = "Online", result: DocumentResult | None = None
    ) -> None:
        super().__init__(REGION, "i-fake", cast(Host, None), ping_status)
        self.document: Mapping[str, Any] = {}
        self.parameters: Mapping[str, Any] = {}
        self.runs = 0
        self.started = threading.Event()
        self._result = result
        self._ended = threading.Event()

    def end(self, result: DocumentResult) -> None:
        self._result = result
        self._ended.set()

    def run(
        self,
        document: Mapping[str, Any],
        parameters: Mapping[str, list[str] | str],
        cancelled: threading.Event,
        on_start: Callable[[], None],
    ) -> DocumentResult:
        self.document, self.parameters = document, parameters
        self.runs += 1
        on_start()
        self.started.set()
        while self._result is None and not self._ended.is_set():
            if cancelled.wait(0.01):
                return reported("Cancelled", 137)
        assert self._result is not None
        return self._result


class LostAgent(FakeAgent):
    """One whose instance goes away in the middle."""

    def run(self, *arguments: Any) -> DocumentResult:
        arguments[-1]()
        self.started.set()
        raise ConnectionError("the instance is gone")
