"""Waiting for Slack as it asks for, as long as there is time for it."""

from __future__ import annotations

import math
from typing import Final

from slack_sdk.http_retry.builtin_handlers import (
    ConnectionErrorRetryHandler,
    RateLimitErrorRetryHandler,
    ServerErrorRetryHandler,
)
from slack_sdk.http_retry.handler import RetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState

from snow_white.slack.time_limit import TimeLimit

_RETRIES: Final = 2
_WITHOUT_A_WORD: Final = 1  # second, as slack_sdk takes it where Slack does not say how long
_ON_TOP: Final = 1  # second at most, which slack_sdk adds so that not all come back at once


class PatientRateLimitHandler(RateLimitErrorRetryHandler):
    """slack_sdk's own handler, which sleeps for as long as Slack says; a wait that does not fit is not begun."""

    def __init__(self, time_limit: TimeLimit) -> None:
        super().__init__(max_retry_count=_RETRIES)
        self._time_limit = time_limit

    def _can_retry(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        limited = super()._can_retry(state=state, request=request, response=response, error=error)
        return limited and response is not None and _wait(response) + _ON_TOP <= self._time_limit.left


def retry_handlers(time_limit: TimeLimit) -> list[RetryHandler]:
    """For 429, for a network that fails, and for Slack's 500 and 503."""
    return [
        PatientRateLimitHandler(time_limit),
        ConnectionErrorRetryHandler(max_retry_count=_RETRIES),
        ServerErrorRetryHandler(max_retry_count=_RETRIES),
    ]


def _wait(response: HttpResponse) -> float:
    """Seconds; endless for what slack_sdk could not read."""
    said = [values for name, values in response.headers.items() if name.lower() == "retry-after"]
    if not said:
        return _WITHOUT_A_WORD
    text = said[0][0]
    return int(text) if text.isdecimal() and text.isascii() else math.inf
