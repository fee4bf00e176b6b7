"""How many commands an agent runs at once, and what waits in its queue."""

import threading
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Final

COMMANDS_AT_ONCE: Final = 5
"""The agent's own setting CommandWorkersLimit, as it is by default."""

AgentKey = tuple[str, str]
"""The region and the instance id."""


class AgentQueues:
    """Runs jobs for agents, each in a thread of its own: five at once for an agent, the others in order after them."""

    def __init__(self) -> None:
        self._waiting: dict[AgentKey, deque[Callable[[], None]]] = defaultdict(deque)
        self._running: dict[AgentKey, int] = defaultdict(int)
        self._lock = threading.Lock()

    def submit(self, agent: AgentKey, job: Callable[[], None]) -> None:
        """Run the job as soon as the agent has fewer than five."""
        with self._lock:
            self._waiting[agent].append(job)
        self._start_next(agent)

    def _start_next(self, agent: AgentKey) -> None:
        with self._lock:
            while self._waiting[agent] and self._running[agent] < COMMANDS_AT_ONCE:
                self._running[agent] += 1
                job = self._waiting[agent].popleft()
                threading.Thread(
                    target=self._work, args=(agent, job), name=f"run-{agent[1]}", daemon=True
                ).start()

    def _work(self, agent: AgentKey, job: Callable[[], None]) -> None:
        try:
            job()
        finally:
            with self._lock:
                self._running[agent] -= 1
            self._start_next(agent)
