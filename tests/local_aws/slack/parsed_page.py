"""Reading HTML in tests of the local Slack's page."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "br", "hr", "img", "link", "input"}
_WITHIN_A_LINE = {"a", "b", "code", "i", "s", "span", "time", "svg", "title", "path"}


@dataclass
class ParsedPage(HTMLParser):
    """A page as a browser reads it: its elements and its text. Fails on an element that is not closed in its turn."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    @classmethod
    def of(cls, content: str) -> ParsedPage:
        page = cls()
        page.feed(content)
        page.close()
        assert page.open == [], "every element is closed"
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._end_line(tag)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self._end_line(tag)

    def _end_line(self, tag: str) -> None:
        if tag not in _WITHIN_A_LINE:
            self.texts.append("\n")

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    def all(self, tag: str, css_class: str = "") -> list[dict[str, str | None]]:
        return [
            attributes
            for name, attributes in self.tags
            if name == tag and css_class in (attributes.get("class") or "")
        ]
