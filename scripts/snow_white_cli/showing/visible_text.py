"""Text from elsewhere, made safe for a terminal: a control character is shown, not obeyed."""

from __future__ import annotations


def visible(text: str) -> str:
    r"""The text with every character that is not printable as an escape, such as `\x1b` or `\u202e`.

    Titles of processes, names and causes come from hosts and from whoever started a run. An escape sequence in them
    could recolour the terminal, hide a line or fake one.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
