"""For calls on the way to telling somebody: half a minute at most is waited for any of them."""

from __future__ import annotations

from typing import Final

from botocore.config import Config

BRIEFLY: Final = Config(
    connect_timeout=3, read_timeout=6, retries={"mode": "standard", "total_max_attempts": 3}
)
