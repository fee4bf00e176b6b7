"""What Slack posts when somebody types a slash command: a form, as browsers send it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from snow_white.model.slack_ids import CONVERSATION_ID, MEMBER_ID
from snow_white.slash.signature import Refused

# Slack sends about 15 fields.
_MOST_FIELDS: Final = 50
_USER_NAME: Final = re.compile(r"[\w.-]{1,80}")
_COMMAND: Final = re.compile(r"/[^\s`]{1,40}")


@dataclass(frozen=True)
class TypedCommand:
    """What somebody typed.

    Attributes:
        command, text: /snow-white, and what follows it.
        user, channel: the ids of who typed it, and where.
        user_name: how Slack calls them, for people to read; "" if it says nothing that can be shown as it is.
    """

    command: str
    text: str
    user: str
    channel: str
    user_name: str = ""

    @classmethod
    def from_form(cls, body: str) -> TypedCommand:
        """Read a verified body; raises Refused(400) for a form that is no slash command."""
        try:
            pairs = parse_qsl(
                body,
                keep_blank_values=True,
                strict_parsing=True,
                errors="strict",
                max_num_fields=_MOST_FIELDS,
            )
        except ValueError as error:
            raise Refused(400, f"The body is no form: {error}.") from error
        fields = dict(pairs)
        if len(fields) != len(pairs):
            raise Refused(400, "The form has a field twice.")
        for name, pattern in (("command", _COMMAND), ("user_id", MEMBER_ID), ("channel_id", CONVERSATION_ID)):
            if not pattern.fullmatch(fields.get(name, "")):
                raise Refused(400, f"The form is no slash command: its {name} is missing or malformed.")
        name = fields.get("user_name", "")
        return cls(
            fields["command"],
            fields.get("text", ""),
            fields["user_id"],
            fields["channel_id"],
            name if _USER_NAME.fullmatch(name) else "",
        )
