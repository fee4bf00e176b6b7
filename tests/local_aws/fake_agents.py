"""Agents that do nothing until a test says how they end."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

REGION = "eu-west-1"


@dataclass(frozen=True)
class Reported:
    """A result of a document with one step."""

    status_details: str = "Success"
    response_code: int = 0
    stdout: str = ""
    stderr: str = ""
    name: str = "work"
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def steps(self) -> Sequence["Reported"]:
        return (self,)


class FakeAgent:
    """One that runs a document until `end` is called, or until it is cancelled."""

    def __init__(self, ping_status: str | None = "Online", result: Reported | None = None) -> None:
        self.ping_status = ping_status
        self.parameters: Mapping[str, Any] = {}
        self.started = threading.Event()
        self._result = result
        self._ended = threading.Event()

    def end(self, result: Reported) -> None:
        self._result = result
        self._ended.set()

    def run(
        self,
        _document: Mapping[str, Any],
        parameters: Mapping[str, list[str] | str],
        cancelled: threading.Event,
        on_start: Callable[[], None],
    ) -> Reported:
        self.parameters = parameters
        on_start()
        self.started.set()
        while self._result is None and not self._ended.is_set():
            if cancelled.wait(0.01):
                return Reported("Cancelled", 137)
        assert self._result is not None
        return self._result


class LostAgent(FakeAgent):
    """One whose instance goes away in the middle."""

    def run(self, *arguments: Any) -> Reported:
        arguments[-1]()
        self.started.set()
        raise ConnectionError("the instance is gone")
