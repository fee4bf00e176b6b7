"""How much is kept of lists that would grow with the fleet: a state may have 256 KB.

With these bounds a run of 10,000 instances stays below 100 KB. Two things still grow, and have to: about 80 bytes for
each command that was read, which is one for 50 instances, and about 75 for each environment. What is left out of the
lists is read again, which costs calls; of the instances that EC2 stops listing before anything was sent to them, only
those whose ids are kept are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

T = TypeVar("T")

COMMAND_IDS: Final = 300
"""The newest ids, for the moment in which the lists do not show the commands yet; 300 commands are 15,000 instances."""
INSTANCE_IDS: Final = 500
"""Of those that are gone, and of those to which nothing was sent."""
HIDDEN_IDS: Final = 100
"""Of those that EC2 does not know at the moment, each with a time."""
REFUSALS: Final = 60
LISTED_BYTES: Final = 40_000
"""Of the report's lists together."""
_LEAST_A_REGION: Final = 5


def newest(ids: Mapping[str, tuple[T, ...]], most: int) -> dict[str, tuple[T, ...]]:
    """By region, as many of its last ids as all regions' may keep equally."""
    share = max(_LEAST_A_REGION, most // max(1, len(ids)))
    return {region: some[-share:] for region, some in ids.items()}
