"""Retries of Slack calls: rate limits are obeyed within the time limit, failures are retried."""

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
_DEFAULT_RETRY_AFTER_SECONDS: Final = 1  # slack_sdk's, for an answer without Retry-After
_MAX_JITTER_SECONDS: Final = 1  # slack_sdk adds it to each wait


class TimeLimitedRateLimitHandler(RateLimitErrorRetryHandler):
    """slack_sdk's handler, which sleeps for Retry-After; it does not retry when that exceeds the time limit."""

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
        return (
            limited
            and response is not None
            and _retry_after(response) + _MAX_JITTER_SECONDS <= self._time_limit.left
        )


def retry_handlers(time_limit: TimeLimit) -> list[RetryHandler]:
    """Handlers for rate limits (429), connection errors, and server errors (500, 503)."""
    return [
        TimeLimitedRateLimitHandler(time_limit),
        ConnectionErrorRetryHandler(max_retry_count=_RETRIES),
        ServerErrorRetryHandler(max_retry_count=_RETRIES),
    ]


def _retry_after(response: HttpResponse) -> float:
    """The seconds in the header Retry-After; infinite for a value that slack_sdk cannot read."""
    found = [values for name, values in response.headers.items() if name.lower() == "retry-after"]
    if not found:
        return _DEFAULT_RETRY_AFTER_SECONDS
    text = found[0][0]
    return int(text) if text.isdecimal() and text.isascii() else math.inf
