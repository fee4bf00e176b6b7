"""Reading the form that Slack posts when somebody types a slash command."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from snow_white.model.slack_ids import CONVERSATION_ID, MEMBER_ID
from snow_white.slash.signature import Refused

_MAX_FIELDS: Final = 50  # Slack sends about 15
_USER_NAME: Final = re.compile(r"[\w.-]{1,80}")
_COMMAND: Final = re.compile(r"/[^\s`]{1,40}")


@dataclass(frozen=True)
class TypedCommand:
    """A slash command as it was typed.

    Attributes:
        command, text: /snow-white, and the text after it.
        user, channel: the ids of the Slack member who typed it and of the conversation.
        user_name: the member's name in Slack; "" if it has characters that must not be shown.
    """

    command: str
    text: str
    user: str
    channel: str
    user_name: str = ""

    @classmethod
    def from_form(cls, body: str) -> TypedCommand:
        """Read a verified body; raises Refused(400) if it is not the form of a slash command."""
        try:
            pairs = parse_qsl(
                body,
                keep_blank_values=True,
                strict_parsing=True,
                errors="strict",
                max_num_fields=_MAX_FIELDS,
            )
        except ValueError as error:
            raise Refused(400, f"The body is not a form: {error}.") from error
        fields = dict(pairs)
        if len(fields) != len(pairs):
            raise Refused(400, "The form repeats a field.")
        for name, pattern in (("command", _COMMAND), ("user_id", MEMBER_ID), ("channel_id", CONVERSATION_ID)):
            if not pattern.fullmatch(fields.get(name, "")):
                raise Refused(400, f"The form is not a slash command: its {name} is missing or malformed.")
        return cls(
            fields["command"],
            fields.get("text", ""),
            fields["user_id"],
            fields["channel_id"],
            user_name(fields.get("user_name", "")),
        )


def user_name(name: str) -> str:
    """The name of a member in Slack; "" if it has characters that must not be shown."""
    return name if _USER_NAME.fullmatch(name) else ""
