"""The verdicts: how one instance ended in one run."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Verdict(StrEnum):
    """The end of one instance in one run. The first four are the confirmations, one for each action."""

    QUIET = "quiet"
    STOPPED = "stopped"
    AWAKE = "awake"
    REPORTED = "reported"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    UNCONFIRMED = "unconfirmed"
    NO_WORKER = "no_worker"
    GONE = "gone"

    @property
    def words(self) -> str:
        """The verdict as a person reads it."""
        return in_words(self.value)


CONFIRMED: Final = frozenset({Verdict.QUIET, Verdict.STOPPED, Verdict.AWAKE, Verdict.REPORTED})
# A host without Sidekiq has nothing that could run a job, and an instance that is gone has ended: both are
# listed, and neither keeps a deploy from going on.
HARMLESS: Final = frozenset({Verdict.NO_WORKER, Verdict.GONE})


def in_words(verdict: str) -> str:
    """A verdict's name, also one that this version does not know, as a person reads it."""
    return verdict.replace("_", " ")
