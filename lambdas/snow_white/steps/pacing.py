"""How long the state machine waits before it looks again."""

from __future__ import annotations

import math
from typing import Final

SHORTEST_SECONDS: Final = 5
# 48 hours at 2% up to this cap are about 1,140 turns. With an announcement and a sending in every one of
# them (9 + 5 + 5 history events) that stays under the 25,000 events that an execution may have.
LONGEST_SECONDS: Final = 180
_SHARE_OF_ELAPSED: Final = 0.02


def seconds_to_wait(elapsed: float, left: float) -> int:
    """Seconds until the next poll: 2% of the time elapsed, so that nobody hears of an end much too late.

    Args:
        elapsed: seconds since the first command was sent.
        left: seconds until the run must end; a wait goes past it by the shortest wait at the most.
    """
    wait = min(max(elapsed * _SHARE_OF_ELAPSED, SHORTEST_SECONDS), LONGEST_SECONDS)
    return math.ceil(min(wait, max(left, SHORTEST_SECONDS)))
