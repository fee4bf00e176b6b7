"""How far a run has come."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """How many instances have been confirmed so far, of how many in scope."""

    confirmed: int = 0
    instances: int = 0
