"""AWS's own throttling: a bucket of tokens for each action and region, which is refilled all the time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Bucket:
    """How many calls an action takes at once, and how many more each second."""

    size: float
    refill: float


BUCKETS: Final = {
    ("ec2", "DescribeInstances"): Bucket(100, 20),
    # AWS publishes no figures for the rest; these are as low as users report them.
    ("ssm", "SendCommand"): Bucket(10, 2),
    ("ssm", "ListCommands"): Bucket(20, 5),
    ("ssm", "ListCommandInvocations"): Bucket(20, 5),
    ("ssm", "DescribeInstanceInformation"): Bucket(20, 5),
    ("elasticbeanstalk", "DescribeEnvironments"): Bucket(5, 0.2),
}


class TokenBuckets:
    """The buckets of all regions, full at first. Safe for use by several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._levels: dict[tuple[str, str, str], tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, service: str, action: str, region: str) -> bool:
        """Whether the bucket of the action has a token for this call; an action without a bucket always has."""
        bucket = BUCKETS.get((service, action))
        if bucket is None:
            return True
        with self._lock:
            now = self._clock()
            level, since = self._levels.get((service, action, region), (bucket.size, now))
            level = min(bucket.size, level + (now - since) * bucket.refill)
            has_one = level >= 1
            self._levels[service, action, region] = (level - 1 if has_one else level, now)
            return has_one
