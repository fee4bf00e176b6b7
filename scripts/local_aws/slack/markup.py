"""Slack's markup as HTML, as far as apps use it: https://docs.slack.dev/messaging/formatting-message-text

A message may contain anything: all that is not known markup is text, and all text is escaped.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from typing import Final

from local_aws.slack.emoji import draw, named

_ENTITIES: Final = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}
_ENTITY: Final = re.compile("|".join(_ENTITIES))
# Characters of Unicode's private use stand for finished HTML while the styles of the text around it are applied.
_PLACEHOLDER: Final = re.compile("\ue000([0-9]+)\ue001")
_PRIVATE: Final = str.maketrans("", "", "\ue000\ue001")
_SPECIAL: Final = re.compile(
    r"```(?P<pre>.+?)```|`(?P<code>[^`\n]+)`|<(?P<angle>[^<>\n]+)>|(?P<emoji>:[a-z0-9_+-]+:)", re.DOTALL
)
_STYLES: Final = tuple(
    (re.compile(rf"(?<![\w{mark}]){mark}(?=\S)([^{mark}\n]*?\S){mark}(?![\w{mark}])"), tag)
    for mark, tag in ((r"\*", "b"), ("_", "i"), ("~", "s"))
)


def mrkdwn(text: str, people: Mapping[str, str], channels: Mapping[str, str]) -> str:
    """HTML for a text of the type mrkdwn; `people` and `channels` give the names for ids."""
    finished: list[str] = []

    def placeholder_for(markup: str) -> str:
        finished.append(markup)
        return f"\ue000{len(finished) - 1}\ue001"

    def special(found: re.Match[str]) -> str:
        if found["pre"] is not None:
            return placeholder_for(f"<pre>{_plain(found['pre'].strip(chr(10)))}</pre>")
        if found["code"] is not None:
            return placeholder_for(f"<code>{_plain(found['code'])}</code>")
        if found["angle"] is not None:
            return placeholder_for(_angle(found["angle"], people, channels))
        return named(found["emoji"])

    escaped = _plain(_SPECIAL.sub(special, text.translate(_PRIVATE)))
    for pattern, tag in _STYLES:
        escaped = pattern.sub(rf"<{tag}>\1</{tag}>", escaped)
    return _PLACEHOLDER.sub(lambda found: finished[int(found[1])], escaped.replace("\n", "<br>"))


def plain_text(text: str) -> str:
    """HTML for a text of the type plain_text, which has emoji and line breaks and no other markup."""
    with_emoji = re.sub(r":[a-z0-9_+-]+:", lambda found: named(found[0]), text)
    return draw(html.escape(with_emoji)).replace("\n", "<br>")


def link(url: object, label: str, style: str = "") -> str:
    """A link around finished HTML; only to the web and to mail, so that a click runs no script."""
    address = str(url)
    if not re.match(r"(https?://|mailto:)", address, re.IGNORECASE):
        return label
    return f'<a class="{style}" href="{html.escape(address)}" target="_blank" rel="noopener noreferrer">{label}</a>'


def _plain(text: str) -> str:
    """The text escaped for HTML, with Slack's own entities decoded first and with emoji drawn."""
    return draw(html.escape(_ENTITY.sub(lambda found: _ENTITIES[found[0]], text)))


def _angle(content: str, people: Mapping[str, str], channels: Mapping[str, str]) -> str:
    """The content of angle brackets: a mention, a time, or a link."""
    target, _, label = content.partition("|")
    kinds: dict[str, Callable[[], str]] = {
        "@": lambda: _mention("@", label or people.get(target[1:], target[1:])),
        "#": lambda: _mention("#", label or channels.get(target[1:], target[1:])),
        "!": lambda: _command(target, label),
    }
    return kinds.get(target[:1], lambda: link(_decoded(target), _plain(label or target)))()


def _mention(mark: str, name: str) -> str:
    return f'<span class="mention">{mark}{_plain(name)}</span>'


def _command(target: str, label: str) -> str:
    """`<!here>`, or `<!date^TIME^FORMAT|TEXT>`, of which the fallback text is shown."""
    if target.startswith("!date^"):
        return f"<time>{_plain(label)}</time>"
    return _mention("@", label.removeprefix("@") or target[1:].partition("^")[0])


def _decoded(text: str) -> str:
    return _ENTITY.sub(lambda found: _ENTITIES[found[0]], text)
