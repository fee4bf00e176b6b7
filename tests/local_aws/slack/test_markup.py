"""Slack's markup as HTML: it looks as in Slack, and no text becomes an element of its own."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_aws.slack.markup import mrkdwn, plain_text
from tests.local_aws.slack.parsed_page import ParsedPage

PEOPLE = {"U0ANN": "ann <ops>"}
CHANNELS = {"C0LOCAL": "deployments"}
DRAWING = re.compile('<svg class="emoji".*?</svg>')


@pytest.mark.parametrize(
    ("written", "rendered"),
    [
        ("*bold* _italic_ ~struck~", "<b>bold</b> <i>italic</i> <s>struck</s>"),
        ("snake_case_name 2*3*4 ~", "snake_case_name 2*3*4 ~"),
        ("* not bold *", "* not bold *"),
        ("*bold `code*`", "*bold <code>code*</code>"),
        ("*`i-0abc` is busy*", "<b><code>i-0abc</code> is busy</b>"),
        ("a\nb", "a<br>b"),
        ("```\na\n  b\n```", "<pre>a\n  b</pre>"),
        ("a &amp;&lt;b&gt; &amp;amp; &quot;", "a &amp;&lt;b&gt; &amp;amp; &amp;quot;"),
        ("`a &lt; b`", "<code>a &lt; b</code>"),
        ("<@U0ANN> did", '<span class="mention">@ann &lt;ops&gt;</span> did'),
        ("<@U0BOB>", '<span class="mention">@U0BOB</span>'),
        (
            "<#C0LOCAL> <!here>",
            '<span class="mention">#deployments</span> <span class="mention">@here</span>',
        ),
        ("<!date^1800000000^{time}|2027-01-15 08:00 UTC>", "<time>2027-01-15 08:00 UTC</time>"),
        ("<javascript:alert(1)|press>", "press"),
        ("\ue0000\ue001 *a*", "0 <b>a</b>"),
    ],
)
def test_markup_is_shown_as_slack_shows_it(written: str, rendered: str) -> None:
    assert mrkdwn(written, PEOPLE, CHANNELS) == rendered


@pytest.mark.parametrize("written", [":warning: at 06:30:24", "⚠️ at 06:30:24", "⚠ at 06:30:24"])
def test_emoji_are_drawings_with_the_character_as_their_title(written: str) -> None:
    for content in (mrkdwn(written, {}, {}), plain_text(written)):
        assert ParsedPage.of(content).text == "⚠ at 06:30:24"
        assert len(ParsedPage.of(content).all("svg", "emoji")) == 1


def test_a_link_leads_to_the_web_and_leaves_no_trace_of_this_page() -> None:
    (tag,) = ParsedPage.of(mrkdwn("<https://a.b/?c=d&amp;e=f|the *page*>", {}, {})).all("a")
    assert (tag["href"], tag["target"]) == ("https://a.b/?c=d&e=f", "_blank")
    assert "noopener" in str(tag["rel"])


@given(
    st.text(st.sampled_from("<>&\"'`*_~|@#!:;=/\\\n abx0\ue000\ue001"), max_size=60) | st.text(max_size=40)
)
def test_no_text_becomes_an_element_of_its_own(text: str) -> None:
    for content in (mrkdwn(text, PEOPLE, CHANNELS), plain_text(text)):
        tags = Tags.of(DRAWING.sub("", content))
        assert tags <= {"b", "i", "s", "br", "code", "pre", "span", "time", "a"}


class Tags(HTMLParser):
    """The elements of a piece of HTML, whatever their order: one may overlap with another as in *a _b* c_."""

    @classmethod
    def of(cls, content: str) -> set[str]:
        parser = cls()
        parser.found = set()
        parser.feed(content)
        parser.close()
        return parser.found

    found: set[str]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not [name for name, _ in attrs if name not in ("class", "href", "target", "rel")]
        assert not [
            value
            for name, value in attrs
            if name == "href" and not re.match("https?:|mailto:", value or "", re.I)
        ]
        self.found.add(tag)
