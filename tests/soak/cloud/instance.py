"""One EC2 instance with its SSM agent and its host."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Final

from tests.soak.cloud.host import Host
from tests.soak.cloud.timeline import Remembered, Timeline

PING_SECONDS: Final = 300  # how often an agent tells SSM that it is there
_LOST_AFTER: Final = 330


@dataclass
class Instance:
    """What EC2 and SSM know of an instance.

    Attributes:
        state: as EC2 calls it, with its past.
        launched: EC2 renews the time when an instance is stopped and started.
        agent: whether the agent is there and connected; None before it has registered.
        undelivered: invocations that wait for the agent, each with what delivers it.
    """

    id: str
    environment: str
    timeline: Timeline
    host: Host
    state: Remembered[str] = field(default_factory=Remembered)
    launched: Remembered[float] = field(default_factory=Remembered)
    agent: Remembered[bool] = field(default_factory=Remembered)
    silent_since: float = 0.0

    def set_state(self, state: str) -> None:
        self.state.set(self.timeline.now, state)

    @property
    def is_online(self) -> bool:
        return bool(self.agent.at(self.timeline.now))

    def connect(self) -> None:
        self.agent.set(self.timeline.now, True)

    def disconnect(self) -> None:
        if self.agent.at(self.timeline.now):
            self.silent_since = self.timeline.now
            self.agent.set(self.timeline.now, False)

    def last_ping(self, at: float) -> float:
        """When SSM last heard of the agent; it pings every five minutes, and at once when it connects."""
        until = at if self.agent.at(at) else min(at, self.silent_since)
        return until - (until + zlib.crc32(self.id.encode()) % PING_SECONDS) % PING_SECONDS

    def ping_status(self, at: float) -> str:
        lost = not self.agent.at(at) and at - self.last_ping(at) > _LOST_AFTER
        return "ConnectionLost" if lost else "Online"

    def is_managed(self, at: float) -> bool:
        """Whether SSM takes commands for it."""
        return self.agent.at(at) is not None and self.state.at(at) == "running"
