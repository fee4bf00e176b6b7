"""The session that all clients of a function come from, and the configuration of those that notify somebody.

It is botocore's, because boto3's adds nothing that the functions use. One session reads botocore's files once.
"""

from __future__ import annotations

from typing import Final

from botocore.config import Config
from botocore.session import Session, get_session

from snow_white.aws.answers import read_quickly

session: Final[Session] = get_session()
read_quickly(session)

# A call takes at most half a minute.
SHORT_TIMEOUTS: Final = Config(
    connect_timeout=3, read_timeout=6, retries={"mode": "standard", "total_max_attempts": 3}
)
# No end of a run depends on the idempotency table or on schedules, so a call takes about five seconds at most.
TABLE_TIMEOUTS: Final = Config(
    connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2}
)
