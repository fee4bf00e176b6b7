"""Lists cut to the sizes that AWS takes in one call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items in order, `size` at a time (itertools.batched is not in Python 3.11)."""
    return (items[start : start + size] for start in range(0, len(items), size))
