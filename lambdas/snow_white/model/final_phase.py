"""The final phase: every command has ended, or time is over, and the run settles what it may still confirm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final


@dataclass(frozen=True)
class FinalPhaseBudget:
    """How much the final phase may take.

    Attributes:
        grace: after the deadline, for the hosts' last answers and for renewing confirmations.
        fruitless_sendings: sendings in a row that reach nobody, before the run stops trying.
        silent_region_polls: polls that wait for nothing but a region outside the plan. It is asked only for what was
            made there since the start, and must not hold up the others for hours.
        renewals: sendings that renew confirmations which have become stale.
    """

    grace: timedelta
    fruitless_sendings: int
    silent_region_polls: int
    renewals: int


FINAL_PHASE: Final = FinalPhaseBudget(
    grace=timedelta(seconds=120), fruitless_sendings=3, silent_region_polls=10, renewals=5
)
