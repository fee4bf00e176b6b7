"""Finding what a patch replaces, and refusing to start when MiniStack no longer has it."""

from collections.abc import Callable
from types import ModuleType
from typing import Any


class MissingTarget(RuntimeError):
    """MiniStack is not the version the patches were written for; the text names what is missing."""


def find(owner: ModuleType | type, name: str) -> Any:
    """The attribute of a MiniStack module or class that a patch relies on."""
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
