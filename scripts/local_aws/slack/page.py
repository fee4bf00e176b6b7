"""The local Slack as a web page: channels, messages with their threads, edits, colours, blocks and buttons.

It opens at the newest message, and reloads itself every two seconds. Its content security policy allows one script,
by its hash, which keeps the place of a reader who has scrolled up; nothing in a message can become a script.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from local_aws.slack.markup import link, mrkdwn, plain_text
from local_aws.slack.workspace import DIRECT

REFRESH_SECONDS: Final = 2
# The list is scrolled from its end: 0 is the newest message, also when others have come since.
SCRIPT: Final = """
const list = document.querySelector(".messages");
list.scrollTop = sessionStorage.getItem(location.search) || 0;
list.addEventListener("scroll", () => sessionStorage.setItem(location.search, list.scrollTop));
"""
SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        f"script-src 'sha256-{base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()}'",
        "style-src 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_STYLE: Final = (Path(__file__).parent / "page.css").read_text()
_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}")
_NAMED_COLOURS: Final = {"good": "#2eb67d", "warning": "#ecb22e", "danger": "#e01e5a"}
_NO_COLOUR: Final = "#dddddd"

Json = Mapping[str, Any]


def page(recorded: Json, chosen: str | None = None) -> str:
    """The page of a channel: the chosen one, else the first with a message, else the first.

    `recorded` is what Workspace.recorded gives.
    """
    channels: Mapping[str, str] = recorded["channels"]
    messages: Sequence[Json] = recorded["messages"]
    busy = [message["channel"] for message in messages if message["channel"] in channels]
    channel = next((one for one in (chosen, *busy, *channels) if one in channels), "")
    people: Mapping[str, str] = recorded.get("people", {})
    titles = {one: _title(name, people) for one, name in channels.items()}
    title = html.escape(titles.get(channel, ""))
    view = _View(people, channels, titles)
    shown = [message for message in messages if message["channel"] == channel]
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="{REFRESH_SECONDS}">
<title>{title} - local Slack</title>
<style>{_STYLE}</style>
</head>
<body>
<nav>
<h1>Local Slack</h1>
{view.channel_list(channel, messages)}
</nav>
<main>
<h2>{title}</h2>
<div class="messages"><div>
{view.conversation(shown)}
</div></div>
</main>
<script>{SCRIPT}</script>
</body>
</html>
"""


def _title(name: str, people: Mapping[str, str]) -> str:
    """A channel's name with a #, as Slack writes it; for a direct message the person's name."""
    if not name.startswith(DIRECT):
        return f"# {name}"
    person = name.removeprefix(DIRECT)
    return f"{DIRECT}{people.get(person, person)}"


@dataclass(frozen=True)
class _View:
    people: Mapping[str, str]
    channels: Mapping[str, str]
    titles: Mapping[str, str]

    def channel_list(self, chosen: str, messages: Sequence[Json]) -> str:
        """The channels with the number of their messages."""
        entries = []
        for channel, title in self.titles.items():
            count = sum(message["channel"] == channel for message in messages)
            here = ' class="here"' if channel == chosen else ""
            number = f"<span>{count}</span>" if count else ""
            address = f"/?channel={quote(channel, safe='')}"
            entries.append(f'<a{here} href="{address}">{html.escape(title)} {number}</a>')
        return "\n".join(entries)

    def conversation(self, messages: Sequence[Json]) -> str:
        """The messages of a channel, each followed by its thread."""
        if not messages:
            return '<p class="empty">No message yet.</p>'
        heads = [message for message in messages if message["thread_ts"] is None]
        return "\n".join(self._thread(head, messages) for head in heads)

    def _thread(self, head: Json, messages: Iterable[Json]) -> str:
        replies = [message for message in messages if message["thread_ts"] == head["ts"]]
        shown = "\n".join(map(self._message, replies))
        count = "1 reply" if len(replies) == 1 else f"{len(replies)} replies"
        thread = f'<section class="thread"><h3>{count}</h3>{shown}</section>' if replies else ""
        return f"{self._message(head)}{thread}"

    def _message(self, message: Json) -> str:
        edits = len(message["edits"])
        times = (
            f'<span class="edited">(edited {edits} time{"s" if edits > 1 else ""})</span>' if edits else ""
        )
        blocks = message.get("blocks", [])
        # Slack shows the text itself only when there are no blocks; else the text appears in notifications only.
        text = "" if blocks else f"<p>{self._mrkdwn(message.get('text', ''))} {times}</p>"
        attached = "\n".join(map(self._attachment, message.get("attachments", [])))
        return f"""<article id="m{html.escape(message["ts"])}">
<div class="face">SW</div>
<div class="said"><header><b>Snow White</b> <span class="app">APP</span> <time>{_time(message["ts"])}</time></header>
{text}{self._blocks(blocks)}{times if blocks else ""}{attached}</div>
</article>"""

    def _attachment(self, attachment: Json) -> str:
        given = str(attachment.get("color", ""))
        colour = _NAMED_COLOURS.get(given, given if _COLOUR.fullmatch(given) else _NO_COLOUR)
        pretext = attachment.get("pretext", "")
        before = f"<p>{self._mrkdwn(pretext)}</p>" if pretext else ""
        blocks = attachment.get("blocks")
        inner = self._blocks(blocks) if blocks else self._legacy_attachment(attachment)
        return f'{before}<div class="attachment" style="border-color: {colour}">{inner}</div>'

    def _legacy_attachment(self, attachment: Json) -> str:
        """An attachment without blocks: Slack's older form."""
        title = plain_text(str(attachment.get("title", "")))
        parts = [f"<p><b>{link(attachment.get('title_link', ''), title)}</b></p>"] if title else []
        text = attachment.get("text") or ("" if title else attachment.get("fallback", ""))
        parts += [f"<p>{self._mrkdwn(text)}</p>"] if text else []
        fields = [
            f"<div><b>{plain_text(str(field.get('title', '')))}</b><br>{self._mrkdwn(field.get('value', ''))}</div>"
            for field in attachment.get("fields", [])
        ]
        return "".join(parts) + (f'<div class="fields">{"".join(fields)}</div>' if fields else "")

    def _blocks(self, blocks: Iterable[Json]) -> str:
        kinds: dict[str, Callable[[Json], str]] = {
            "header": lambda block: f"<h4>{self._text(block['text'])}</h4>",
            "section": self._section,
            "context": self._context,
            "divider": lambda _: "<hr>",
            "actions": lambda block: self._actions(block.get("elements", [])),
            "image": lambda block: f"<p>{self._image(block)}</p>",
        }
        # An unknown kind is shown as JSON rather than left out.
        return "\n".join(kinds.get(block.get("type", ""), _unknown)(block) for block in blocks)

    def _section(self, block: Json) -> str:
        text = f"<p>{self._text(block['text'])}</p>" if block.get("text") else ""
        fields = "".join(f"<div>{self._text(field)}</div>" for field in block.get("fields", []))
        columns = f'<div class="fields">{fields}</div>' if fields else ""
        accessory = self._element(block["accessory"]) if block.get("accessory") else ""
        return f'<div class="section"><div>{text}{columns}</div>{accessory}</div>'

    def _context(self, block: Json) -> str:
        return f'<p class="context">{" ".join(map(self._element, block.get("elements", [])))}</p>'

    def _actions(self, elements: Iterable[Json]) -> str:
        return f'<div class="actions">{"".join(map(self._element, elements))}</div>'

    def _element(self, element: Json) -> str:
        match element.get("type"):
            case "button":
                return self._button(element)
            case "image":
                return self._image(element)
            case "mrkdwn" | "plain_text":
                return f"<span>{self._text(element)}</span>"
            case _:
                return _unknown(element)

    def _button(self, button: Json) -> str:
        style = button.get("style", "")
        known = f"button {style}" if style in ("primary", "danger") else "button"
        label = self._text(button["text"])
        if button.get("url"):
            return link(button["url"], label, known)
        return f'<span class="{known}">{label}</span>'

    def _image(self, image: Json) -> str:
        """A link with its alternative text: the page loads no images."""
        return link(image.get("image_url", ""), plain_text(f"🖼 {image.get('alt_text', 'image')}"))

    def _text(self, text: Json) -> str:
        if text.get("type") == "mrkdwn":
            return self._mrkdwn(text["text"])
        return plain_text(str(text["text"]))

    def _mrkdwn(self, text: str) -> str:
        return mrkdwn(text, self.people, self.channels)


def _unknown(part: Json) -> str:
    return f'<pre class="unknown">{html.escape(json.dumps(part, indent=2, ensure_ascii=False))}</pre>'


def _time(ts: str) -> str:
    return f"{datetime.fromtimestamp(float(ts), UTC):%H:%M:%S} UTC"
