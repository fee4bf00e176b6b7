"""What botocore has already serialised and parsed, so that a poll which asks the same and hears the same is quick.

Each distinct request is validated and serialised, and each distinct answer parsed, by botocore itself, once in a
scenario. Only lists are kept, which have no effect; and only while no fault may hit them and no client is slowed down.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from tests.soak.cloud.encoding import Call, Reply

_LISTS: Final = frozenset(
    {
        "ListCommands",
        "ListCommandInvocations",
        "DescribeInstances",
        "DescribeInstanceInformation",
        "DescribeEnvironments",
    }
)

Original = Callable[[Any, str, Any], Any]


@dataclass
class KnownAnswers:
    """Of one scenario, so that a replay of it goes the same way."""

    calls: dict[tuple[str, str, str, str], Call] = field(default_factory=dict)
    parsed: dict[tuple[str, str, bytes], bytes] = field(default_factory=dict)

    def ask(
        self,
        original: Original,
        client: Any,
        operation: str,
        parameters: Any,
        peek: Callable[[Call], Reply | None],
        count: Callable[[Call], None],
        last_exchange: Callable[[], tuple[Call, Reply] | None],
    ) -> Any:
        """The answer of `client._make_api_call`; `original` is botocore's own.

        Args:
            peek: what the cloud would answer now, or None if that is not for certain.
            count: called when that is taken for an answer.
            last_exchange: what `original` sent and received, if that was one good call.
        """
        if operation not in _LISTS:
            return original(client, operation, parameters)
        meta = client.meta
        key = (meta.service_model.service_name, meta.region_name, operation, repr(parameters))
        known = self.calls.get(key)
        if known is not None:
            reply = peek(known)
            answer = self.parsed.get((known.service, operation, reply.body)) if reply else None
            if answer is not None:
                count(known)
                return pickle.loads(answer)  # noqa: S301
        parsed = original(client, operation, parameters)
        exchange = last_exchange()
        if exchange is not None:
            self._keep(key, operation, exchange, parsed)
        return parsed

    def _keep(
        self, key: tuple[str, str, str, str], operation: str, exchange: tuple[Call, Reply], parsed: Any
    ) -> None:
        call, reply = exchange
        self.calls[key] = call
        self.parsed[call.service, operation, reply.body] = pickle.dumps(parsed)
