"""The budget of the final phase, which begins when every command has ended or the deadline has passed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final


@dataclass(frozen=True)
class FinalPhaseBudget:
    """The limits of the final phase.

    Attributes:
        grace: the time after the deadline for the hosts' last answers and for renewing confirmations.
        fruitless_sendings: the number of sendings in a row that reach no instance, before the run stops sending.
        silent_region_polls: the number of polls that wait only for a region outside the plan. Such a region is only
            searched for environments that were created during the run, and must not delay the others for hours.
        renewals: the number of sendings that renew stale confirmations.
    """

    grace: timedelta
    fruitless_sendings: int
    silent_region_polls: int
    renewals: int


FINAL_PHASE: Final = FinalPhaseBudget(
    grace=timedelta(seconds=120), fruitless_sendings=6, silent_region_polls=10, renewals=5
)
