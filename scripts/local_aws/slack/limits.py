"""The limits of Slack's documentation on a message's text, blocks and attachments.

Lengths are in UTF-16 units. The limit on all text of a message is not in the documentation: Slack answers
msg_blocks_too_long from about 12,000 on.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

MAX_TEXT: Final = 40_000
_MAX_ATTACHMENTS: Final = 100
_MAX_BLOCKS: Final = 50
_MAX_ALL_TEXT: Final = 12_000
_MAX_SECTION: Final = 3_000
_MAX_FIELD: Final = 2_000
_MAX_FIELDS: Final = 10
_MAX_HEADER: Final = 150
_MAX_ELEMENTS: Final = 25
_MAX_BUTTON: Final = 75
_MAX_URL: Final = 3_000
_MAX_ID: Final = 255
_MAX_VALUE: Final = 2_000
_MAX_CONTEXT_ELEMENTS: Final = 10

Block = dict[str, Any]


class MessageRefused(Exception):
    """Slack would not take the message; the text is the code of its answer."""


def length(text: str) -> int:
    """The length of a text in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def check(content: dict[str, Any]) -> None:
    """Raise MessageRefused when Slack would not take the text, blocks or attachments of a message."""
    if length(content.get("text", "")) > MAX_TEXT:
        raise MessageRefused("msg_too_long")
    attachments = content.get("attachments", [])
    if len(attachments) > _MAX_ATTACHMENTS:
        raise MessageRefused("too_many_attachments")
    groups = [content.get("blocks", []), *(attachment.get("blocks", []) for attachment in attachments)]
    if not all(_are_valid(blocks) for blocks in groups):
        raise MessageRefused("invalid_blocks")
    if sum(length(text) for blocks in groups for text in _texts(blocks)) > _MAX_ALL_TEXT:
        raise MessageRefused("msg_blocks_too_long")


def _are_valid(blocks: list[Block]) -> bool:
    return len(blocks) <= _MAX_BLOCKS and all(
        block.get("type") in _BLOCKS and _BLOCKS[block["type"]](block) for block in blocks
    )


def _is_section(block: Block) -> bool:
    fields = block.get("fields", [])
    if "text" not in block and not fields:
        return False
    return (
        ("text" not in block or _is_text(block["text"], _MAX_SECTION))
        and len(fields) <= _MAX_FIELDS
        and all(_is_text(field, _MAX_FIELD) for field in fields)
    )


def _is_header(block: Block) -> bool:
    return _is_text(block.get("text"), _MAX_HEADER, kinds=("plain_text",))


def _is_actions(block: Block) -> bool:
    elements = block.get("elements", [])
    ids = [element["action_id"] for element in elements if "action_id" in element]
    return (
        1 <= len(elements) <= _MAX_ELEMENTS and all(map(_is_button, elements)) and len(set(ids)) == len(ids)
    )


def _is_button(element: Block) -> bool:
    return (
        element.get("type") == "button"
        and _is_text(element.get("text"), _MAX_BUTTON, kinds=("plain_text",))
        and len(element.get("url", "")) <= _MAX_URL
        and len(element.get("action_id", "")) <= _MAX_ID
        and len(element.get("value", "")) <= _MAX_VALUE
        and element.get("style", "primary") in ("primary", "danger")
        and ("confirm" not in element or _is_confirmation(element["confirm"]))
    )


def _is_confirmation(dialog: Block) -> bool:
    limits = {"title": 100, "text": 300, "confirm": 30, "deny": 30}
    return dialog.keys() == limits.keys() and all(
        _is_text(dialog[part], limit, kinds=("plain_text",)) for part, limit in limits.items()
    )


def _is_context(block: Block) -> bool:
    elements = block.get("elements", [])
    return 1 <= len(elements) <= _MAX_CONTEXT_ELEMENTS and all(
        _is_text(element, _MAX_SECTION) for element in elements
    )


def _is_text(text: Any, limit: int, kinds: tuple[str, ...] = ("mrkdwn", "plain_text")) -> bool:
    if not isinstance(text, dict) or text.get("type") not in kinds or not isinstance(text.get("text"), str):
        return False
    not_allowed = {"verbatim"} if text["type"] == "plain_text" else {"emoji"}
    return not not_allowed & text.keys() and 1 <= length(text["text"]) <= limit


def _texts(part: Any) -> Iterator[str]:
    """Every text in blocks, however deep."""
    if isinstance(part, list):
        for one in part:
            yield from _texts(one)
    elif isinstance(part, dict):
        for key, one in part.items():
            if key == "text" and isinstance(one, str):
                yield one
            else:
                yield from _texts(one)


_BLOCKS: Final[dict[str, Callable[[Block], bool]]] = {
    "section": _is_section,
    "header": _is_header,
    "actions": _is_actions,
    "context": _is_context,
    "divider": lambda _block: True,
}
