"""Counts with a noun."""

from __future__ import annotations


def counted(count: int, noun: str, nouns: str | None = None) -> str:
    """The count with the noun in the singular or plural: 1 job, 3 jobs. `nouns` is a plural that does not end in s."""
    return f"{count} {noun}" if count == 1 else f"{count} {nouns or f'{noun}s'}"
