"""How much is kept of what would grow with the fleet: a state may have 256 KB.

Two things grow, and have to: about 26 bytes for each command that was read, and about 75 for each environment, whose
name the report has too; where there are hundreds they are packed, and take half of it. The report's lists get shorter
the more there are, so that a run of 20,000 instances in 1,000 environments stays below 100 KB. What is left out of the
lists of ids is read again, which costs calls; of the instances that EC2 stops listing before anything was sent to them,
only those whose ids are kept are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

from snow_white.model.fleet import RegionPlan

T = TypeVar("T")

COMMAND_IDS: Final = 300
"""The newest ids, for the moment in which the lists do not show the commands yet; 300 commands are 15,000 instances."""
INSTANCE_IDS: Final = 500
"""Of those that are gone, and of those to which nothing was sent."""
HIDDEN_IDS: Final = 100
"""Of those that EC2 does not know at the moment, each with a time."""
REFUSALS: Final = 60
STATE_BYTES: Final = 95_000
"""What a state with its report is to stay below; the rest of it takes some more."""
ID_BYTES: Final = 40
"""Of a command's id as JSON."""
_MOST_LISTED_BYTES: Final = 40_000
_LEAST_LISTED_BYTES: Final = 4_000
_GROUP_BYTES: Final = 30
"""Of a group's JSON around its name and id, and around its name in the report."""
_LEAST_A_REGION: Final = 5


def listed_bytes(plan: Iterable[RegionPlan]) -> int:
    """How much the report's lists may take together: what the plan leaves."""
    left = STATE_BYTES - COMMAND_IDS * ID_BYTES - group_bytes(plan)
    return min(_MOST_LISTED_BYTES, max(_LEAST_LISTED_BYTES, left))


def group_bytes(plan: Iterable[RegionPlan]) -> int:
    """What the groups take as they are, which the report names once more."""
    return sum(_GROUP_BYTES + 2 * len(one.name) + len(one.id) for part in plan for one in part.groups)


def newest(ids: Mapping[str, tuple[T, ...]], most: int) -> dict[str, tuple[T, ...]]:
    """By region, as many of its last ids as all regions' may keep equally."""
    share = max(_LEAST_A_REGION, most // max(1, len(ids)))
    return {region: some[-share:] for region, some in ids.items()}
