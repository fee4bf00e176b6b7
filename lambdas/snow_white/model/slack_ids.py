"""The patterns of Slack's ids of members and conversations."""

from __future__ import annotations

import re
from typing import Final, TypeGuard

MEMBER_ID: Final = re.compile(r"[UW][A-Z0-9]{2,20}")
CONVERSATION_ID: Final = re.compile(r"[CDG][A-Z0-9]{2,20}")


def is_member_id(value: object) -> TypeGuard[str]:
    """Whether the value is a Slack member id, which is safe to mention and to post to."""
    return isinstance(value, str) and MEMBER_ID.fullmatch(value) is not None
