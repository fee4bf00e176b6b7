"""Waiting for what comes true by itself, in tests that run real parts side by side."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 0.2
_Value = TypeVar("_Value")


def eventually(holds: Callable[[], _Value], what: str | Callable[[], str], *, seconds: float = 300) -> _Value:
    """The condition's value as soon as it is truthy; AssertionError that says `what` was waited for in vain.

    `seconds` is only there so that a test which waits for something broken ends; let it be generous. A `what` that
    tells how things are then is a function.
    """
    deadline = time.monotonic() + seconds
    pause = _FIRST_PAUSE
    while not (value := holds()):
        if time.monotonic() > deadline:
            raise AssertionError(
                f"Waited {seconds:g} s in vain for this: {what if isinstance(what, str) else what()}."
            )
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
    return value
