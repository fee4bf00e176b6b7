"""Counts in words."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """1 job, 3 jobs."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
