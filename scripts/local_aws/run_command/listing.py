"""The filters and the pages of Run Command's lists."""

import base64
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

from local_aws.engine.service_error import ServiceError
from local_aws.run_command.command import UNFINISHED, Command, Invocation
from local_aws.run_command.request_checks import violation

_LONGEST_PAGE: Final = 50
_Item = TypeVar("_Item")


def matches(
    command: Command, item: Command | Invocation, filters: Iterable[Mapping[str, str]] | None
) -> bool:
    """Whether a command, or one of its invocations, passes all filters of a list call."""
    return all(_passes(command, item, each["key"], each["value"]) for each in filters or [])


def _passes(command: Command, item: Command | Invocation, key: str, value: str) -> bool:
    match key:
        case "InvokedAfter":
            return command.requested_at > _timestamp(value)
        case "InvokedBefore":
            return command.requested_at < _timestamp(value)
        case "Status":
            return item.status == value
        case "ExecutionStage":
            return (item.status in UNFINISHED) == (value == "Executing")
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
) -> tuple[list[_Item], dict[str, str]]:
    """The page of `items` that `request` asks for, by falling sequence numbers, and the token of the next page.

    A token holds the last number shown, so that items which arrive in between shift nothing.
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
        rest = [each for each in rest if sequence(each) < shown]
    page = rest[:size]
    if len(rest) <= size:
        return page, {}
    return page, {"NextToken": base64.b64encode(str(sequence(page[-1])).encode()).decode()}
