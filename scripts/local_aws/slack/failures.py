"""How the local Slack fails on request."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

REFUSALS: Final = (
    "invalid_auth",
    "token_revoked",
    "channel_not_found",
    "is_archived",
    "not_in_channel",
    "message_not_found",
)
"""Codes with which Slack refuses a call for a reason that stays."""

_ANSWERS: Final = ("rate_limited", "error", "down", "timeout", *REFUSALS)


@dataclass(frozen=True)
class Failure:
    """What happens to the next `calls` calls of a method; an empty method stands for all of them.

    Attributes:
        answer: rate_limited (429), error (500), down (the connection breaks), timeout (no answer for `seconds`, then
            the connection breaks), or one of REFUSALS.
        after_effect: whether Slack does what it was asked to before the answer goes wrong.
    """

    calls: int
    answer: str
    retry_after: int = 1
    method: str = ""
    seconds: float = 60.0
    after_effect: bool = False

    def __post_init__(self) -> None:
        if self.answer not in _ANSWERS:
            raise ValueError(f"no failure is called {self.answer}")

    def concerns(self, method: str) -> bool:
        return self.calls > 0 and self.method in ("", method)

    def once_less(self) -> Failure:
        """The failure after one of its calls."""
        return replace(self, calls=self.calls - 1)
