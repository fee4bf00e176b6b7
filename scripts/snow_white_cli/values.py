"""The kinds of values that options take."""

from __future__ import annotations

import re
from typing import Any, Final

import click

from snow_white.model.request import MAX_TIMEOUT_SECONDS, MIN_TIMEOUT_SECONDS

_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION: Final = re.compile(r"([0-9]{1,9})([smhd]?)")


class Duration(click.ParamType[int]):
    """A time limit of a run in seconds, or with a unit: 90, 90s, 30m, 2h, 2d."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The seconds; fails for what a run may not have."""
        found = _DURATION.fullmatch(str(value))
        seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
        if not MIN_TIMEOUT_SECONDS <= seconds <= MAX_TIMEOUT_SECONDS:
            self.fail(
                f"{value!r} must be {MIN_TIMEOUT_SECONDS} seconds to 2 days, such as 900, 30m or 48h.",
                param,
                ctx,
            )
        return seconds


class Matching(click.ParamType[str]):
    """A text of a certain form, named in the error when it is not."""

    name = "text"

    def __init__(self, pattern: str, form: str) -> None:
        self._pattern = re.compile(pattern)
        self._form = form

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text itself."""
        if not self._pattern.fullmatch(str(value)):
            self.fail(f"{value!r} must be {self._form}.", param, ctx)
        return str(value)


DURATION: Final = Duration()
REGION: Final = Matching(r"[a-z]{2}(-[a-z]+)+-[0-9]", "an AWS region such as us-east-1")
SLACK_USER: Final = Matching(r"[UW][A-Z0-9]{2,20}", "a Slack member id such as U024BE7LH")
TEXT: Final = Matching(r"(?=.*\S)[^\x00-\x1f]{1,256}", "a text of 1 to 256 characters")
