"""How much is kept of what grows with the fleet: a state may have 256 KB, and a run of any size stays below 100 KB.

All of it can be read again, or is for people to read; what is left out costs a few calls more, and no promise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

T = TypeVar("T")

COMMAND_IDS: Final = 300
"""The newest ids, for the moment in which the lists do not show the commands yet; 300 commands are 15,000 instances."""
INSTANCE_IDS: Final = 500
"""Of those that are gone, and of those to which nothing was sent."""
REFUSALS: Final = 60
LISTED_BYTES: Final = 40_000
"""Of the report's lists together."""
_LEAST_A_REGION: Final = 5


def newest(ids: Mapping[str, tuple[T, ...]], most: int) -> dict[str, tuple[T, ...]]:
    """By region, as many of its last ids as all regions' may keep equally."""
    share = max(_LEAST_A_REGION, most // max(1, len(ids)))
    return {region: some[-share:] for region, some in ids.items()}
