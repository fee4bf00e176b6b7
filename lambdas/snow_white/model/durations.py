"""The grammar of durations in requests, on the command line and in Slack: 90, 90s, 30m, 1h30m, 48h, 2d."""

from __future__ import annotations

import re
from typing import Final

MIN_TIMEOUT_SECONDS: Final = 60
MAX_TIMEOUT_SECONDS: Final = 172_800
DEFAULT_TIMEOUT_SECONDS: Final = 7_200
MAX_LEASE_SECONDS: Final = 604_800
ALLOWED_TIMEOUTS: Final = (
    f"{MIN_TIMEOUT_SECONDS} seconds to 2 days ({MAX_TIMEOUT_SECONDS} seconds), such as 90, 30m, 1h30m or 48h"
)
ALLOWED_LEASES: Final = (
    f"{MIN_TIMEOUT_SECONDS} seconds to 7 days ({MAX_LEASE_SECONDS} seconds), such as 5400, 90m, 1h30m or 2d"
)

_GRAMMAR: Final = re.compile(
    r"(?:(?P<days>[0-9]{1,6})d)?(?:(?P<hours>[0-9]{1,6})h)?(?:(?P<minutes>[0-9]{1,6})m)?(?:(?P<seconds>[0-9]{1,9})s?)?"
)
_SECONDS: Final = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


def parse_duration(text: str) -> int | None:
    """The text's duration in seconds; None if it is not a duration. Case does not matter.

    Units come from the largest to the smallest, each at most once. A number without a unit means seconds.
    """
    found = _GRAMMAR.fullmatch(text.strip().lower())
    amounts = {unit: int(amount) for unit, amount in found.groupdict().items() if amount} if found else {}
    return sum(amount * _SECONDS[unit] for unit, amount in amounts.items()) if amounts else None


def parse_timeout(value: object) -> int | None:
    """A run's timeout in seconds, from a number or a duration; None if it is invalid or out of range."""
    seconds = parse_seconds(value)
    return seconds if seconds is not None and MIN_TIMEOUT_SECONDS <= seconds <= MAX_TIMEOUT_SECONDS else None


def parse_lease(value: object) -> int | None:
    """The seconds after which workers are woken, from a number or a duration; None if invalid or out of range."""
    seconds = parse_seconds(value)
    return seconds if seconds is not None and MIN_TIMEOUT_SECONDS <= seconds <= MAX_LEASE_SECONDS else None


def parse_seconds(value: object) -> int | None:
    """The seconds that a number or a duration says; None for anything else.

    Booleans are refused, although Python counts them as integers. Some JSON writers turn 60 into 60.0.
    """
    match value:
        case bool():
            return None
        case float() if value.is_integer():
            return int(value)
        case int():
            return value
        case str():
            return parse_duration(value)
    return None
