"""Reading the form that Slack posts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_aws.slack.commands import form
from snow_white.slash.form import TypedCommand
from snow_white.slash.signature import Refused


def test_the_form_has_the_text_the_member_and_the_conversation() -> None:
    typed = TypedCommand.from_form(form('quiet "my app" größe & more', "U0ANN", "C0COMMANDS"))
    assert typed == TypedCommand(
        "/snow-white", 'quiet "my app" größe & more', "U0ANN", "C0COMMANDS", "somebody"
    )


@pytest.mark.parametrize("name", ["", "a" * 81, "ann lee", "<!channel>", "ann\n"])
def test_a_name_with_special_characters_is_left_out(name: str) -> None:
    assert TypedCommand.from_form(form("help", "U0ANN", "D0ANN", user_name=name)).user_name == ""


def test_a_command_without_words_has_an_empty_text() -> None:
    assert TypedCommand.from_form(form("", "U0ANN", "D0ANN")).text == ""
    assert TypedCommand.from_form("command=%2Fsnow-white&user_id=U0ANN&channel_id=C0COMMANDS").text == ""


@pytest.mark.parametrize(
    "body",
    [
        "",
        "quiet backups",
        '{"command": "/snow-white"}',
        "&&&",
        "command=/snow-white&user_id=U0ANN",
        "command=/snow-white&channel_id=C0COMMANDS",
        "user_id=U0ANN&channel_id=C0COMMANDS",
        "command=/snow-white&user_id=U0ANN&channel_id=C0COMMANDS&user_id=U0EVE",
        "command=/snow-white&user_id=ann&channel_id=C0COMMANDS",
        "command=/snow-white&user_id=U0ANN,U0EVE&channel_id=C0COMMANDS",
        "command=/snow-white&user_id=*&channel_id=*",
        "command=/snow-white&user_id=&channel_id=C0COMMANDS",
        "command=/snow-white&user_id=U0ANN%0A&channel_id=C0COMMANDS",
        "command=snow-white&user_id=U0ANN&channel_id=C0COMMANDS",
        "command=/snow-white&user_id=U0ANN&channel_id=C0COMMANDS&text=%FF",
        "payload=%7B%22type%22%3A%22block_actions%22%7D",
        "ssl_check=1&token=deprecated",
        "&".join(f"a{number}=1" for number in range(1_000)),
    ],
)
def test_a_form_that_is_not_a_slash_command_is_refused(body: str) -> None:
    with pytest.raises(Refused) as caught:
        TypedCommand.from_form(body)
    assert caught.value.status == 400


@given(st.text(max_size=300))
def test_any_body_is_read_or_refused(body: str) -> None:
    try:
        typed = TypedCommand.from_form(body)
    except Refused as refused:
        assert refused.status == 400
    else:
        assert typed.user and typed.channel


@given(st.text(st.characters(codec="utf-8"), max_size=300))
def test_any_text_is_read_unchanged(text: str) -> None:
    assert TypedCommand.from_form(form(text, "U0ANN", "C0COMMANDS")).text == text
