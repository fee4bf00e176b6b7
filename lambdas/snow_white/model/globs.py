"""Globs as EC2's filters and IAM's StringLike have them: `*` for any text, `?` for one character; case matters."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase


def is_matched(text: str, globs: Iterable[str]) -> bool:
    """Whether one of the globs matches the whole text."""
    return any(fnmatchcase(text, _without_sets(glob)) for glob in globs)


def is_covered(glob: str, limits: Iterable[str]) -> bool:
    """Whether one of the limits, which are globs too, matches everything that the glob matches.

    A limit's `?` stands for one character, and a `*` in the glob may be several.
    """
    return any(fnmatchcase(glob, _without_sets(limit).replace("?", "[!*]")) for limit in limits)


def _without_sets(glob: str) -> str:
    """For Python, to which `[` begins a set of characters."""
    return glob.replace("[", "[[]")
