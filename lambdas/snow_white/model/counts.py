"""Counts with a noun."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """The count with the noun in the singular or plural: 1 job, 3 jobs."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
