"""A run in progress, as seen from outside: what the command line shows of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from snow_white.model.lease import Lease
from snow_white.model.progress import Progress
from snow_white.model.stated_request import StatedRequest
from snow_white.model.stragglers import Stragglers


@dataclass(frozen=True)
class RunSoFar:
    """A run as the newest state of its execution shows it; serialisation.py reads it.

    Attributes:
        progress: None before the instances have been counted.
        dispatched_at: when the first command was sent; None before that.
        lease: None until it was arranged, and for a run without one.
    """

    request: StatedRequest = field(default_factory=StatedRequest)
    progress: Progress | None = None
    dispatched_at: datetime | None = None
    stragglers: Stragglers = field(default_factory=Stragglers)
    lease: Lease | None = None

    @property
    def may_have_sent(self) -> bool:
        """Whether it had counted its instances. A run that is ended while it sends does not show what it sent."""
        return bool(self.progress and self.progress.instances)

    @property
    def deadline(self) -> datetime | None:
        """When the hosts' time is over; None before the first command was sent."""
        if self.dispatched_at is None:
            return None
        return self.dispatched_at + timedelta(seconds=self.request.timeout_seconds)
