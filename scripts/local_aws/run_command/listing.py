"""The filters and the pages of Run Command's lists."""

import base64
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from local_aws.engine.service_error import ServiceError
from local_aws.run_command.command import UNFINISHED, Command
from local_aws.run_command.request_checks import violation

_LONGEST_PAGE: Final = 50
_Item = TypeVar("_Item")


@dataclass
class Consistency:
    """How far the lists are behind, in seconds, and whether they show rows twice; at first neither.

    It is over at `until`, in seconds since the epoch. AWS's lists are eventually consistent. With a lag, a new command
    is missing, and an invocation reads as it was before, also while ListCommands counts it as ended already.
    """

    lag_seconds: float = 0.0
    repeats_rows: bool = False
    until: float = math.inf

    def moment(self, now: float) -> float:
        """As of which moment the lists show what there is."""
        return now - self.lag_seconds if now < self.until else now

    def repeats(self, now: float) -> bool:
        """Whether the lists show rows twice."""
        return self.repeats_rows and now < self.until


def matches(command: Command, status: str, filters: Iterable[Mapping[str, str]] | None) -> bool:
    """Whether a command, or an invocation, that reads this (coarse) status passes all filters of a list call."""
    return all(_passes(command, status, each["key"], each["value"]) for each in filters or [])


def _passes(command: Command, status: str, key: str, value: str) -> bool:
    match key:
        case "InvokedAfter":
            return command.requested_at > _timestamp(value)
        case "InvokedBefore":
            return command.requested_at < _timestamp(value)
        case "Status":
            return status == value
        case "ExecutionStage":
            return (status in UNFINISHED) == (value == "Executing")
        case "DocumentName":
            return command.document.name == value
    raise ServiceError("InvalidFilterKey", f"There is no filter {key}.")


def _timestamp(value: str) -> float:
    return datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()


def page_of(
    items: Iterable[_Item],
    request: Mapping[str, Any],
    sequence: Callable[[_Item], int],
    default: int = 50,
    smallest: int = 1,
    repeats_rows: bool = False,
) -> tuple[list[_Item], dict[str, str]]:
    """The page of `items` that `request` asks for, by falling sequence numbers, and the token of the next page.

    A token holds the last number shown, so that items which arrive in between shift nothing. With `repeats_rows` a
    page begins with the last row of the page before, and ends with a row that stands there twice.
    """
    size = int(request.get("MaxResults") or default)
    if not smallest <= size <= _LONGEST_PAGE:
        raise violation("maxResults", f"Member must have value between {smallest} and {_LONGEST_PAGE}")
    rest = sorted(items, key=sequence, reverse=True)
    if token := request.get("NextToken"):
        try:
            shown = int(base64.b64decode(token).decode())
        except ValueError as error:
            raise ServiceError("InvalidNextToken", "The specified token is not valid.") from error
        before, rest = (
            [each for each in rest if sequence(each) >= shown],
            [each for each in rest if sequence(each) < shown],
        )
    else:
        before = []
    page, later = rest[:size], rest[size:]
    token_of_next = (
        {"NextToken": base64.b64encode(str(sequence(page[-1])).encode()).decode()} if later else {}
    )
    return (before[-1:] + page + page[-1:] if repeats_rows else page), token_of_next
