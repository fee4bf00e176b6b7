"""What goes wrong between the service and one agent, on purpose."""

import threading
from collections import deque


class AgentFaults:
    """Faults of the next commands that the service sends to an agent; none at first. Safe for several threads."""

    def __init__(self) -> None:
        self._lost = 0
        self._twice = 0
        self._ends: deque[str] = deque()
        self._lock = threading.Lock()

    def lose(self, commands: int) -> None:
        """The next commands are lost: the service has sent them, and the agent never hears of them."""
        with self._lock:
            self._lost += commands

    def deliver_twice(self, commands: int) -> None:
        """The agent gets the next commands twice, and runs both."""
        with self._lock:
            self._twice += commands

    def end_as(self, status_details: str, commands: int) -> None:
        """The service ends the next commands with this StatusDetails; the agent never hears of them."""
        with self._lock:
            self._ends.extend([status_details] * commands)

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self._lost = self._twice = 0
            self._ends.clear()

    def take_end(self) -> str | None:
        """The StatusDetails with which this command ends, or None."""
        with self._lock:
            return self._ends.popleft() if self._ends else None

    def take_loss(self) -> bool:
        """Whether this command is lost."""
        with self._lock:
            lost, self._lost = self._lost > 0, max(0, self._lost - 1)
            return lost

    def take_deliveries(self) -> int:
        """How often this command is delivered."""
        with self._lock:
            deliveries, self._twice = 2 if self._twice > 0 else 1, max(0, self._twice - 1)
            return deliveries
