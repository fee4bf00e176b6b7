"""The local Slack refuses what Slack refuses, so that a message that is too long is found here."""

from __future__ import annotations

from typing import Any

import pytest

from local_aws.slack.limits import MessageRefused, check


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def button(**changes: Any) -> dict[str, Any]:
    text = {"type": "plain_text", "text": "Open"}
    return {"type": "button", "action_id": "open", "text": text, "url": "https://example.com", **changes}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


FIELD = {"type": "mrkdwn", "text": "x"}
CONFIRM: dict[str, Any] = {
    part: {"type": "plain_text", "text": "x"} for part in ("title", "text", "confirm", "deny")
}


@pytest.mark.parametrize(
    "block",
    [
        section("x" * 3_000),
        {"type": "section", "fields": [FIELD] * 10},
        actions(button()),
        actions(button(value="x" * 2_000, style="danger", confirm=CONFIRM)),
        {"type": "divider"},
        {"type": "context", "elements": [FIELD]},
    ],
)
def test_a_block_within_the_limits_is_accepted(block: dict[str, Any]) -> None:
    check({"attachments": [{"blocks": [block]}]})


@pytest.mark.parametrize(
    "block",
    [
        section(""),
        section("x" * 3_001),
        section("😀" * 1_501),
        {"type": "section"},
        {"type": "section", "fields": [FIELD] * 11},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2_001}]},
        {"type": "section", "text": {"type": "markdown", "text": "x"}},
        {"type": "section", "text": "x"},
        {"type": "header", "text": {"type": "mrkdwn", "text": "x"}},
        {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}},
        actions(),
        actions(button(text={"type": "plain_text", "text": "x" * 76})),
        actions(button(text={"type": "mrkdwn", "text": "x"})),
        actions(button(url="https://example.com/" + "x" * 3_000)),
        actions(button(), button()),
        actions(button(value="x" * 2_001)),
        actions(button(style="green")),
        actions(button(confirm=CONFIRM | {"title": {"type": "plain_text", "text": "x" * 101}})),
        actions(button(confirm=CONFIRM | {"text": {"type": "mrkdwn", "text": "x"}})),
        actions(button(confirm={"title": CONFIRM["title"]})),
        {"type": "progress_bar"},
    ],
)
@pytest.mark.parametrize("where", ["blocks", "attachments"])
def test_a_block_beyond_the_limits_is_refused(block: dict[str, Any], where: str) -> None:
    content = {"blocks": [block]} if where == "blocks" else {"attachments": [{"blocks": [block]}]}
    with pytest.raises(MessageRefused, match="invalid_blocks"):
        check(content)


def test_there_may_be_50_blocks_and_12000_letters_in_all() -> None:
    with pytest.raises(MessageRefused, match="invalid_blocks"):
        check({"blocks": [section("x")] * 51})
    with pytest.raises(MessageRefused, match="msg_blocks_too_long"):
        check({"blocks": [section("x" * 2_500)] * 5})
    with pytest.raises(MessageRefused, match="msg_too_long"):
        check({"text": "x" * 40_001})
    with pytest.raises(MessageRefused, match="too_many_attachments"):
        check({"attachments": [{"text": "x"}] * 101})
