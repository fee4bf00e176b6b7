"""The verdicts on an instance at the end of a run."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Verdict(StrEnum):
    """How a run ended for one instance. The first four values are confirmations, one for each action."""

    QUIET = "quiet"
    STOPPED = "stopped"
    AWAKE = "awake"
    REPORTED = "reported"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    UNCONFIRMED = "unconfirmed"
    NO_WORKER = "no_worker"
    GONE = "gone"
    LEFT_ALONE = "left_alone"

    @property
    def words(self) -> str:
        """The verdict as shown to people."""
        return in_words(self.value)


CONFIRMED: Final = frozenset({Verdict.QUIET, Verdict.STOPPED, Verdict.AWAKE, Verdict.REPORTED})
# A host without Sidekiq and an instance that no longer exists run no jobs. One that a wake for a certain run's workers
# has left alone has none of these. The report lists them; none fails a run.
HARMLESS: Final = frozenset({Verdict.NO_WORKER, Verdict.GONE, Verdict.LEFT_ALONE})


def in_words(verdict: str) -> str:
    """The name of a verdict as shown to people; it may be one that this version does not know."""
    return verdict.replace("_", " ")
