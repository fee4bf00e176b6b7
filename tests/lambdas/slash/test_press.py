"""The form that Slack posts when a button is pressed."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from local_aws.slack.commands import form, press
from snow_white.slash.press import PressedButton
from snow_white.slash.signature import Refused

BUTTON = {"type": "button", "action_id": "run_wake", "value": "wake backups", "text": {"type": "plain_text"}}
URL = "https://hooks.slack.com/actions/T0LOCAL/1/a"


def payload(**changes: Any) -> str:
    return press(BUTTON, "U0ANN", "C0COMMANDS", URL, **changes)


def test_the_press_of_a_button_is_read() -> None:
    assert PressedButton.from_form(payload()) == PressedButton(
        "run_wake", "wake backups", "U0ANN", "C0COMMANDS", "somebody", URL
    )


def test_a_slash_command_is_no_press() -> None:
    assert PressedButton.from_form(form("wake backups", "U0ANN", "C0COMMANDS")) is None


def test_a_name_that_must_not_be_shown_is_left_out() -> None:
    pressed = PressedButton.from_form(payload(user={"id": "U0ANN", "username": "<!channel>"}))
    assert pressed is not None
    assert pressed.user_name == ""


@pytest.mark.parametrize(
    "body",
    [
        "payload=",
        "payload=%7B%7D",
        "payload=no+json",
        urlencode({"payload": json.dumps(["a", "list"])}),
        f"{payload()}&more=1",
        payload(type="view_submission"),
        payload(actions=[]),
        payload(actions="run_wake"),
        payload(user={"id": "<!channel>"}),
        payload(user=None),
        payload(channel={"id": "U0ANN"}),
        payload(channel=None),
    ],
)
def test_any_other_interaction_is_refused(body: str) -> None:
    with pytest.raises(Refused) as refused:
        PressedButton.from_form(body)
    assert refused.value.status == 400
