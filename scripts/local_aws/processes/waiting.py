"""Waiting until something is so."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

_Value = TypeVar("_Value")


def wait_for(probe: Callable[[], _Value], seconds: float, poll_seconds: float = 0.02) -> _Value | None:
    """The first truthy value of `probe`, or None if there is none after `seconds`.

    What `probe` raises ends the waiting.
    """
    deadline = time.monotonic() + seconds
    while not (value := probe()):
        if time.monotonic() > deadline:
            return None
        time.sleep(poll_seconds)
    return value
