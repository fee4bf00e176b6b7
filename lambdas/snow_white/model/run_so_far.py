"""A run as far as it is known from outside, while it goes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from snow_white.model.run import Progress
from snow_white.model.stated_request import StatedRequest
from snow_white.model.stragglers import Stragglers


@dataclass(frozen=True)
class RunSoFar:
    """What the newest state of an execution says of its run; serialisation.py reads it.

    Attributes:
        progress: None before the instances have been counted.
        dispatched_at: when the first command was sent; None before that.
    """

    request: StatedRequest = field(default_factory=StatedRequest)
    progress: Progress | None = None
    dispatched_at: datetime | None = None
    stragglers: Stragglers = field(default_factory=Stragglers)

    @property
    def deadline(self) -> datetime | None:
        """Until when the hosts have time; None before the first command."""
        if self.dispatched_at is None:
            return None
        return self.dispatched_at + timedelta(seconds=self.request.timeout_seconds)
