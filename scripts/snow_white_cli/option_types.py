"""The value types of the command line's options: they check a value and explain what is allowed."""

from __future__ import annotations

import re
from typing import Any, Final

import click

from snow_white.model.durations import ALLOWED_LEASES, ALLOWED_TIMEOUTS, parse_lease, parse_timeout
from snow_white.model.slack_ids import MEMBER_ID


class Duration(click.ParamType[int]):
    """A run's timeout, in seconds or with units: 90, 30m, 1h30m, 48h."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The timeout in seconds; fails if it is not a duration or not within the limits."""
        seconds = parse_timeout(str(value))
        if seconds is None:
            self.fail(f"{value!r} must be {ALLOWED_TIMEOUTS}.", param, ctx)
        return seconds


class Lease(click.ParamType[int]):
    """The time after which workers are woken, in seconds or with units."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The time in seconds; fails if it is not a duration or not within the limits."""
        seconds = parse_lease(str(value))
        if seconds is None:
            self.fail(f"{value!r} must be {ALLOWED_LEASES}.", param, ctx)
        return seconds


class MatchingText(click.ParamType[str]):
    """A text that must match a pattern; the error message describes it by `form`."""

    name = "text"

    def __init__(self, pattern: str, form: str) -> None:
        self._pattern = re.compile(pattern)
        self._form = form

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text; fails if it does not match."""
        if not self._pattern.fullmatch(str(value)):
            self.fail(f"{value!r} must be {self._form}.", param, ctx)
        return str(value)


DURATION: Final = Duration()
LEASE: Final = Lease()
TAG: Final = MatchingText(
    r"(?=[^=]*[^=\s][^=]*=.*\S)[^\x00-\x1f\x7f-\x9f]{1,400}", "a tag KEY=VALUE such as Role=worker"
)
INSTANCE: Final = MatchingText("i-([0-9a-f]{8}|[0-9a-f]{17})", "an instance's id such as i-0123456789abcdef0")
REGION: Final = MatchingText(r"[a-z]{2}(-[a-z]+)+-[0-9]", "an AWS region such as us-east-1")
SLACK_USER: Final = MatchingText(MEMBER_ID.pattern, "a Slack member id such as U024BE7LH")
TEXT: Final = MatchingText(r"(?=.*\S)[^\x00-\x1f\x7f-\x9f]{1,256}", "a text of 1 to 256 characters")
