"""The faults of calls to services, between IAM and the service: a call that IAM denies meets none."""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from typing import Any, Final
from urllib.parse import parse_qs

from local_aws.engine.ministack import Handler, Response, find
from local_aws.faults import broken_answers, rows
from local_aws.faults.rules import Answer, CallFault, Rules
from local_aws.faults.token_buckets import TokenBuckets

_REMEMBERED_ANSWERS: Final = 500
_READING: Final = ("Describe", "List", "Get")
_ROWS: Final[dict[Answer, rows.Change]] = {
    "no_rows": rows.none_of,
    "row_missing": rows.all_but_the_last,
    "rows_doubled": rows.twice,
}


class CallFaults:
    """The rules for calls, and AWS's own throttling, which does not concern the root user.

    The root user is the test or the demo itself; it must be able to look, however hard the others are throttled.
    """

    def __init__(self) -> None:
        self.rules: Rules[CallFault] = Rules()
        self.buckets: TokenBuckets | None = None
        self._answers: OrderedDict[tuple[str, str, bytes], Response] = OrderedDict()

    def install(self) -> None:
        """Put them before every service of MiniStack."""
        from ministack import app

        handlers = find(app, "SERVICE_HANDLERS")
        for service, handler in handlers.items():
            handlers[service] = self._with_faults(service, handler)

    def throttle_like_aws(self, *, on: bool) -> None:
        """Throttle by full buckets of tokens, or not at all."""
        self.buckets = TokenBuckets() if on else None

    def clear(self) -> None:
        """No faults and no throttling any more."""
        self.rules.clear()
        self.buckets = None

    def _with_faults(self, service: str, handler: Handler) -> Handler:
        async def handle(method: str, path: str, headers: Any, body: bytes, query_params: Any) -> Response:
            from ministack.core.responses import get_region

            async def work() -> Response:
                return await handler(method, path, headers, body, query_params)

            action, region, is_root = _action(headers, body), get_region(), _is_root(headers)
            buckets = self.buckets
            if buckets and not is_root and not buckets.take(service, action, region):
                return broken_answers.service_error(service, throttled=True)
            fault = self.rules.take(
                lambda rule: rule.matches(service, action, region, is_root, body),
                service=service,
                action=action,
                region=region,
            )
            key = (service, region, body) if action.startswith(_READING) else None
            if fault is None:
                return self._remembered(key, await work())
            if fault.answer == "slow":
                await asyncio.sleep(fault.seconds)
            real = await work() if fault.does_the_work else None
            return self._answer(fault, key, real)

        return handle

    def _answer(
        self, fault: CallFault, key: tuple[str, str, bytes] | None, real: Response | None
    ) -> Response:
        """What the caller gets; `real` is there if the service did its work."""
        match fault.answer:
            case "throttled" | "error":
                return broken_answers.service_error(fault.service, throttled=fault.answer == "throttled")
            case "timeout":
                return broken_answers.silence(fault.seconds)
            case "reset":
                return broken_answers.broken_connection()
            case "html":
                return broken_answers.page_of_a_proxy()
            case "empty":
                return broken_answers.nothing()
        assert real is not None
        if fault.answer == "truncated":
            return broken_answers.truncated(real)
        if fault.answer == "cut":
            return broken_answers.cut(real)
        if fault.answer == "stale":
            return self._answers.get(key, real) if key else real
        if fault.answer in _ROWS:
            return rows.with_rows(real, _ROWS[fault.answer])
        return self._remembered(key, real)

    def _remembered(self, key: tuple[str, str, bytes] | None, response: Response) -> Response:
        """Keep it for a `stale` answer later, if it is the list of a call that succeeded."""
        if key is not None and response[0] == 200:
            status, headers, body = response
            self._answers[key] = (status, dict(headers), body)
            self._answers.move_to_end(key)
            if len(self._answers) > _REMEMBERED_ANSWERS:
                self._answers.popitem(last=False)
        return response


def _is_root(headers: Any) -> bool:
    from ministack.core.router import extract_access_key_id

    return bool(extract_access_key_id(headers) == os.environ["AWS_ACCESS_KEY_ID"])


def _action(headers: Any, body: bytes) -> str:
    """The action of a JSON or Query call; "" for a REST call."""
    target = str(headers.get("x-amz-target", "")).rpartition(".")[2]
    return target or parse_qs(body.decode("latin-1")).get("Action", [""])[0]
