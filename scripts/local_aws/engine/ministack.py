"""MiniStack's internals: the shape of its handlers, and replacing parts of it.

Everything that relies on a private name of MiniStack goes through `find`, so that the local AWS refuses to start
with a version that does not have it.
"""

from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

Response = tuple[int, dict[str, str], bytes]
"""What a handler answers: status, headers, body."""

Handler = Callable[[str, str, Any, bytes, Any], Awaitable[Response]]
"""Serves one call to a service: method, path, headers, body and query parameters."""


class MissingTarget(RuntimeError):
    """MiniStack is not the version the patches were written for; the text names what is missing."""


def find(owner: ModuleType | type, name: str) -> Any:
    """The attribute of a MiniStack module or class. Raises MissingTarget when there is none."""
    if not hasattr(owner, name):
        raise MissingTarget(f"MiniStack has no {owner.__name__}.{name}: it is not the pinned version.")
    return getattr(owner, name)


def wrap(owner: ModuleType | type, name: str, build: Callable[[Any], Any]) -> None:
    """Replace `owner.name` by what `build` makes of the original."""
    setattr(owner, name, build(find(owner, name)))


def substitute(owner: ModuleType, name: str, old: str, new: str) -> None:
    """Replace a piece of a text constant, which must contain it exactly once."""
    text = find(owner, name)
    if text.count(old) != 1:
        raise MissingTarget(f"MiniStack's {owner.__name__}.{name} has changed: it is not the pinned version.")
    setattr(owner, name, text.replace(old, new))
