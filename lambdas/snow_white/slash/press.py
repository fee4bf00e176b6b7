"""Reading what Slack posts when somebody presses a button of a message.

The form has one field, `payload`, with JSON: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs

from snow_white.model.slack_ids import CONVERSATION_ID, MEMBER_ID
from snow_white.slash.form import user_name
from snow_white.slash.signature import Refused

_FIELD: Final = "payload="


@dataclass(frozen=True)
class PressedButton:
    """A button that was pressed.

    Attributes:
        action_id, value: of the button.
        user, channel: the ids of the Slack member who pressed it and of the conversation.
        user_name: the member's name in Slack; "" if it has characters that must not be shown.
        response_url: where an answer can be posted for half an hour.
    """

    action_id: str
    value: str
    user: str
    channel: str
    user_name: str = ""
    response_url: str = ""

    @classmethod
    def from_form(cls, body: str) -> PressedButton | None:
        """Read a verified body; None if it is not that of an interaction. Raises Refused(400) for any other one."""
        if not body.startswith(_FIELD):
            return None
        payload = _payload(body)
        actions = payload.get("actions")
        pressed = actions[0] if isinstance(actions, list) and actions else None
        if payload.get("type") != "block_actions" or not isinstance(pressed, Mapping):
            raise Refused(400, "The interaction is not the press of a button.")
        user, channel = _part(payload, "user"), _part(payload, "channel")
        for name, part, pattern in (("user", user, MEMBER_ID), ("channel", channel, CONVERSATION_ID)):
            if not pattern.fullmatch(str(part.get("id", ""))):
                raise Refused(400, f"The interaction's {name} is missing or malformed.")
        return cls(
            action_id=str(pressed.get("action_id", "")),
            value=str(pressed.get("value", "")),
            user=str(user["id"]),
            channel=str(channel["id"]),
            user_name=user_name(str(user.get("username", ""))),
            response_url=str(payload.get("response_url", "")),
        )


def _payload(body: str) -> Mapping[str, Any]:
    try:
        (text,) = parse_qs(body, strict_parsing=True, errors="strict", max_num_fields=1)["payload"]
        payload = json.loads(text)
    except (ValueError, KeyError) as error:
        raise Refused(400, f"The payload of the interaction cannot be read: {error}.") from error
    if not isinstance(payload, Mapping):
        raise Refused(400, "The payload of the interaction is not an object.")
    return payload


def _part(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = payload.get(name)
    return part if isinstance(part, Mapping) else {}
