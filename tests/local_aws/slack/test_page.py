"""The local Slack in a browser: everything that is posted can be seen, and nothing that is posted can do anything."""

from __future__ import annotations

import base64
import hashlib
import re
import urllib.request
from pathlib import Path
from typing import Any

from slack_sdk import WebClient

from local_aws.slack.client import LocalSlack
from local_aws.slack.markup import plain_text
from local_aws.slack.page import page
from tests.local_aws.slack.parsed_page import ParsedPage

CHANNEL = "C0LOCAL"
PEOPLE = {"U0ANN": "ann <ops>"}
CHANNELS = {CHANNEL: "deployments", "D0ANN": "direct message to U0ANN"}
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


def message(number: int = 1, **content: Any) -> dict[str, Any]:
    return {
        "channel": CHANNEL,
        "ts": f"1800000000.{number:06d}",
        "thread_ts": None,
        "edits": [],
        **content,
    }


def seen(*messages: dict[str, Any], channel: str | None = None) -> ParsedPage:
    recorded = {"people": PEOPLE, "channels": CHANNELS, "messages": list(messages), "calls": []}
    return ParsedPage.of(page(recorded, channel))


def shown(block: dict[str, Any]) -> ParsedPage:
    """A block as it is in a message's attachment."""
    return seen(message(text="", attachments=[{"color": "#2eb67d", "blocks": [block]}]))


def test_the_page_reloads_itself() -> None:
    (refresh,) = [tag for tag in seen().all("meta") if tag.get("http-equiv") == "refresh"]
    assert int(str(refresh["content"])) <= 5


def test_without_messages_it_says_so() -> None:
    assert "No message yet." in seen().text
    recorded: dict[str, Any] = {"channels": {}, "messages": [], "calls": []}
    assert "No message yet." in ParsedPage.of(page(recorded)).text


def test_a_message_shows_its_text_its_time_and_how_often_it_was_edited() -> None:
    said = seen(message(text="3 of 5 workers", edits=[{"text": "1"}, {"text": "2"}])).text
    assert "3 of 5 workers (edited 2 times)" in said
    assert "08:00:00 UTC" in said
    assert "(edited 1 time)" in seen(message(text="a", edits=[{}])).text
    assert "edited" not in seen(message(text="a")).text


def test_replies_are_shown_below_their_message_and_not_elsewhere() -> None:
    first, second = message(1, text="the first"), message(2, text="the second")
    reply = message(3, text="to the first", thread_ts=first["ts"])
    said = seen(first, second, reply)
    assert said.text.index("the first") < said.text.index("1 reply") < said.text.index("to the first")
    assert said.text.index("to the first") < said.text.index("the second")
    assert said.text.count("to the first") == 1


def test_a_channel_is_chosen_and_else_the_first_with_a_message_is_shown() -> None:
    direct = message(text="only for you", channel="D0ANN")
    assert "only for you" in seen(direct).text
    assert "only for you" not in seen(direct, channel=CHANNEL).text
    assert "only for you" in seen(direct, message(2, text="for all"), channel="D0ANN").text
    assert "only for you" in seen(direct, channel="C0UNKNOWN").text
    assert "# deployments 1 direct message to ann <ops> 2" in (
        seen(direct, message(2, text="b"), message(3, text="c", channel="D0ANN")).text
    )
    links = [str(tag["href"]) for tag in seen(direct).all("a")]
    assert links == [f"/?channel={CHANNEL}", "/?channel=D0ANN"]


def test_the_colour_of_an_attachment_is_shown_and_what_is_no_colour_is_not() -> None:
    for given_colour, shown_colour in (
        ("#E01E5A", "#E01E5A"),
        ("good", "#2eb67d"),
        ("red;}body{x:y", "#dddddd"),
    ):
        said = seen(message(attachments=[{"color": given_colour, "text": "a"}]))
        (attachment,) = said.all("div", "attachment")
        assert attachment["style"] == f"border-color: {shown_colour}"


def test_a_header_is_a_heading_without_markup() -> None:
    said = shown({"type": "header", "text": {"type": "plain_text", "text": "*Quiet* :x:"}})
    assert len(said.all("h4")) == 1
    assert "*Quiet* ❌" in said.text


def test_a_section_shows_its_text_its_fields_and_its_accessory() -> None:
    said = shown(
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": "*37 of 40* workers"},
            "fields": [
                {"type": "mrkdwn", "text": "*Regions*\nus-east-1"},
                {"type": "plain_text", "text": "*"},
            ],
            "accessory": {
                "type": "button",
                "text": {"type": "plain_text", "text": "Look"},
                "url": "https://a.b/",
            },
        }
    )
    assert "37 of 40 workers Regions us-east-1 * Look" in said.text
    assert [tag for tag, _ in said.tags].count("b") >= 3
    assert said.all("a", "button")[0]["href"] == "https://a.b/"


def test_a_context_shows_texts_and_names_images_without_fetching_them() -> None:
    image = {"type": "image", "image_url": "https://a.b/c.png", "alt_text": "a dwarf"}
    said = shown({"type": "context", "elements": [{"type": "mrkdwn", "text": "since _noon_"}, image]})
    assert "since noon 🖼 a dwarf" in said.text
    assert not said.all("img")
    assert "🖼 a dwarf" in shown(image).text


def test_a_divider_is_a_line() -> None:
    assert len(shown({"type": "divider"}).all("hr")) == 1


def test_buttons_show_their_style_and_open_their_address() -> None:
    def button(**more: Any) -> dict[str, Any]:
        return {"type": "button", "text": {"type": "plain_text", "text": "Open"}, **more}

    said = shown(
        {
            "type": "actions",
            "elements": [
                button(url="https://a.b/?c=d&e=f#g"),
                button(style="danger", url="https://a.b/"),
                button(style="primary"),
                button(style="x onclick=alert(1)"),
                button(url="javascript:alert(1)"),
            ],
        }
    )
    assert [(tag["class"], tag["href"]) for tag in said.all("a", "button")] == [
        ("button", "https://a.b/?c=d&e=f#g"),
        ("button danger", "https://a.b/"),
    ]
    assert [tag["class"] for tag in said.all("span", "button")] == ["button primary", "button"]
    assert said.text.count("Open") == 5


def test_an_attachment_of_the_old_kind_shows_title_text_and_fields() -> None:
    attachment = {
        "pretext": "before",
        "title": "Title",
        "title_link": "https://a.b/",
        "text": "*text*",
        "fields": [{"title": "Field", "value": "value", "short": True}],
    }
    assert "before Title text Field value" in seen(message(attachments=[attachment])).text
    assert "only this" in seen(message(attachments=[{"fallback": "only this"}])).text


def test_an_unknown_part_is_shown_as_json() -> None:
    assert '"type": "rich_poetry"' in shown({"type": "rich_poetry", "verse": EVIL}).text
    select = {"type": "static_select", "placeholder": {"type": "plain_text", "text": "a"}}
    assert "static_select" in shown({"type": "actions", "elements": [select]}).text


def test_all_content_of_a_message_stays_text() -> None:
    evil = {"type": "mrkdwn", "text": EVIL}
    recorded = {
        "people": {"U0ANN": EVIL},
        "channels": {CHANNEL: EVIL, EVIL: EVIL},
        "messages": [
            message(
                text=f"{EVIL} <@U0ANN> <https://a.b/{EVIL}|{EVIL}>",
                attachments=[
                    {
                        "color": EVIL,
                        "fallback": EVIL,
                        "blocks": [
                            {"type": "header", "text": {"type": "plain_text", "text": EVIL}},
                            {"type": "section", "text": evil, "fields": [evil, evil]},
                            {"type": "context", "elements": [evil]},
                            {"type": "image", "image_url": f"https://a.b/{EVIL}", "alt_text": EVIL},
                            {"type": EVIL, "x": EVIL},
                            {
                                "type": "actions",
                                "elements": [
                                    {
                                        "type": "button",
                                        "text": {"type": "plain_text", "text": EVIL},
                                        "url": f"https://a.b/{EVIL}",
                                        "style": EVIL,
                                    }
                                ],
                            },
                        ],
                    },
                    {
                        "title": EVIL,
                        "title_link": EVIL,
                        "text": EVIL,
                        "fields": [{"title": EVIL, "value": EVIL}],
                    },
                ],
            )
        ],
        "calls": [],
    }
    said = ParsedPage.of(page(recorded))
    assert len(said.all("script")) == 1 and not said.all("img")
    assert page(recorded).count("<script>") == 1
    assert not [name for _, attributes in said.tags for name in attributes if name.startswith("on")]
    assert said.text.count("alert(1)") > 10


def test_it_is_served_with_the_newest_state_of_what_slack_sdk_posted_and_lets_only_its_own_script_run(
    slack: LocalSlack, bot: WebClient
) -> None:
    slack.add_person("U0ANN", "ann@example.com", "ann")
    posted = bot.chat_postMessage(channel=CHANNEL, text="0 of 5")
    bot.chat_update(channel=CHANNEL, ts=posted["ts"], text="5 of 5")
    bot.chat_postMessage(channel=CHANNEL, thread_ts=posted["ts"], text="<@U0ANN> done")
    bot.chat_postMessage(channel="U0ANN", text="for you")
    server = slack.api_url.removesuffix("/api/")

    with urllib.request.urlopen(f"{server}/") as answer:  # noqa: S310
        policy, kind = answer.headers["Content-Security-Policy"], answer.headers["Content-Type"]
        content = answer.read().decode()
    said = ParsedPage.of(content).text
    (own_script,) = re.findall(r"<script>(.*?)</script>", content, re.DOTALL)
    with urllib.request.urlopen(f"{server}/?channel=D0ANN") as answer:  # noqa: S310
        direct = ParsedPage.of(answer.read().decode()).text

    assert kind == "text/html; charset=utf-8"
    digest = base64.b64encode(hashlib.sha256(own_script.encode()).digest()).decode()
    directives = [directive.strip() for directive in policy.split(";")]
    assert "default-src 'none'" in directives
    assert [one for one in directives if one.startswith("script")] == [f"script-src 'sha256-{digest}'"]
    assert "5 of 5 (edited 1 time)" in said and "0 of 5" not in said
    assert "@ann done" in said and "for you" not in said
    assert "for you" in direct


def test_the_newest_message_is_in_view() -> None:
    content = page(
        {
            "people": {},
            "channels": CHANNELS,
            "calls": [],
            "messages": [message(text="old"), message(2, text="new")],
        }
    )
    (style,) = re.findall(r"<style>(.*?)</style>", content, re.DOTALL)
    (rules,) = re.findall(r"^\.messages {(.*?)}", style, re.MULTILINE)
    assert {"flex-direction: column-reverse", "overflow-y: auto"} <= {
        rule.strip() for rule in rules.split(";")
    }
    (listed,) = re.findall(r'<div class="messages"><div>(.*)</div></div>', content, re.DOTALL)
    assert listed.index("old") < listed.index("new")


EMOJI = re.compile(
    "[\N{LEFTWARDS ARROW}-\N{BLACK DIAMOND}\N{CYCLONE}-\N{BALLET SHOES}\N{WHITE LARGE SQUARE}-\N{HEAVY CIRCLE}]"
)
NO_EMOJI = set("█░→←↳")  # every font has them


def test_every_emoji_of_snow_white_is_drawn_so_that_no_font_is_needed() -> None:
    messages = Path(__file__).parents[3] / "lambdas" / "snow_white"
    used = {found for file in messages.rglob("*.py") for found in EMOJI.findall(file.read_text())}
    used |= set(re.findall(r":[a-z_]+:(?=[ \"'])", (messages / "slack" / "message.py").read_text()))
    assert used - NO_EMOJI
    for emoji in used - NO_EMOJI:
        drawn = plain_text(emoji)
        assert drawn.startswith('<svg class="emoji"'), emoji
        assert ParsedPage.of(drawn).text


def test_an_emoji_that_is_not_drawn_stays_as_it_is() -> None:
    assert plain_text(":dancer: 🎉") == ":dancer: 🎉"


def test_emoji_in_an_address_do_not_break_it() -> None:
    said = seen(message(text="<https://a.b/✅?c=❌|go ✅>"))
    (tag,) = said.all("a", "")[-1:]
    assert tag["href"] == "https://a.b/✅?c=❌"
