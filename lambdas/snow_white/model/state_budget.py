"""How much a run keeps of what grows with its fleet: one budget of bytes, of which its groups and readings come first.

Step Functions carries 256 KB; a state stays below 100 KB up to about 20,000 instances in 1,000 environments. What
groups and readings leave of the budget, lists of instances and the report's lists share. What is left out of the former
is read again, which costs calls; of the instances that EC2 stops listing before anything was sent to them, only those
whose ids are kept are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from snow_white.model.fleet import RegionPlan

T = TypeVar("T")

COMMAND_IDS: Final = 300
"""The newest ids, for the moment in which the lists do not show the commands yet; 300 commands are 15,000 instances."""
STATE_BYTES: Final = 95_000
ID_BYTES: Final = 40
"""Of a command's id as JSON; an instance's takes half of it."""
GROUP_BYTES: Final = 26
"""Of a group's JSON around its name and id."""
READING_BYTES: Final = 30
"""Of what is kept of each command that was read, which is one for 50 instances."""
_INSTANCES_A_READING: Final = 50
_LEAST_SHARE: Final = 0.1
_LEAST_A_REGION: Final = 5


@dataclass(frozen=True)
class Bounds:
    """How much is kept at most; the defaults are for few groups.

    Attributes:
        instance_ids: of those that are gone, and of those to which nothing was sent.
        hidden_ids: of those that EC2 does not know at the moment, each with a time.
        listed_bytes: of the report's lists together.
    """

    instance_ids: int = 500
    hidden_ids: int = 100
    refusals: int = 60
    listed_bytes: int = 40_000

    @property
    def bytes(self) -> int:
        """What all of it takes, at most; refusals and the report are not there at the same time."""
        return (self.instance_ids + self.hidden_ids) * ID_BYTES + self.listed_bytes


def bounds_of(plan: Iterable[RegionPlan]) -> Bounds:
    """What a run with this plan keeps."""
    most = Bounds()
    left = STATE_BYTES - COMMAND_IDS * ID_BYTES - sum(map(_bytes_of, plan))
    share = min(1.0, max(_LEAST_SHARE, left / most.bytes))
    return Bounds(
        int(most.instance_ids * share),
        int(most.hidden_ids * share),
        int(most.refusals * share),
        int(most.listed_bytes * share),
    )


def _bytes_of(part: RegionPlan) -> int:
    groups = sum(GROUP_BYTES + len(group.name) + len(group.id) for group in part.groups)
    return groups + part.instances // _INSTANCES_A_READING * READING_BYTES


def newest(ids: Mapping[str, tuple[T, ...]], most: int) -> dict[str, tuple[T, ...]]:
    """By region, as many of its last ids as all regions' may keep equally."""
    share = max(_LEAST_A_REGION, most // max(1, len(ids)))
    return {region: some[-share:] for region, some in ids.items()}
