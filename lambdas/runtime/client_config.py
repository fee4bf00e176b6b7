"""The configuration of the AWS clients that are needed to notify somebody: a call takes at most half a minute."""

from __future__ import annotations

from typing import Final

from botocore.config import Config

SHORT_TIMEOUTS: Final = Config(
    connect_timeout=3, read_timeout=6, retries={"mode": "standard", "total_max_attempts": 3}
)
# No end of a run depends on the idempotency table or on schedules, so a call takes about five seconds at most.
TABLE_TIMEOUTS: Final = Config(
    connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2}
)
