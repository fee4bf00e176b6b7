"""How long the state machine waits before it looks again, and how often it shows in Slack what it sees."""

from __future__ import annotations

import math
from typing import Final

SHORTEST_SECONDS: Final = 2
# 48 hours up to this cap are about 1,110 turns. With an announcement and a sending in every one of
# them (9 + 5 + 5 history events) that stays under the 25,000 events that an execution may have.
LONGEST_SECONDS: Final = 180
_SHARE_OF_ELAPSED: Final = 0.02
RECHECKED_SECONDS: Final = 3_600
"""How long confirmations are rechecked while others still work; in a longer run they are renewed at its end."""
_RENEWAL_SECONDS: Final = 22
_ANNOUNCED_SECONDS: Final = 15  # Slack: chat.update takes about 50 a minute
_ANNOUNCED_SHARE_OF_ELAPSED: Final = 0.07  # An announcement costs as much as half of a poll.


def seconds_between_announcements(elapsed: float) -> float:
    """Seconds after which a change of the numbers is shown, from the seconds since the first command was sent."""
    return max(_ANNOUNCED_SECONDS, elapsed * _ANNOUNCED_SHARE_OF_ELAPSED)


def seconds_to_wait(elapsed: float, left: float) -> int:
    """Seconds until the next poll: 2% of the time elapsed, so that an end is soon noticed.

    In a long run that is less, by what the renewal of confirmations at its end takes.

    Args:
        elapsed: seconds since the first command was sent.
        left: seconds until the run must end; a wait goes past it by the shortest wait at the most.
    """
    share = elapsed * _SHARE_OF_ELAPSED
    if elapsed > RECHECKED_SECONDS:
        share -= _RENEWAL_SECONDS
    wait = min(max(int(share), SHORTEST_SECONDS), LONGEST_SECONDS)
    return min(wait, max(math.ceil(left), SHORTEST_SECONDS))
