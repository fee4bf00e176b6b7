"""Botocore without the layers between serialising a call and parsing its answer: signing, HTTP and retries.

Those have nothing to do while no fault may hit a call and its client is not slowed down. Serialising, validating and
parsing are botocore's own; each distinct list is asked for and each distinct answer read once in a process, and a page
that is the only one is not searched for a token.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from botocore.awsrequest import AWSResponse
from botocore.endpoint import convert_to_response_dict
from botocore.model import OperationModel
from botocore.paginate import PageIterator

from tests.soak.cloud.encoding import Call, Reply, read_call

_LISTS: Final = frozenset(
    {
        "ListCommands",
        "ListCommandInvocations",
        "DescribeInstances",
        "DescribeInstanceInformation",
        "DescribeEnvironments",
        "DescribeDocument",
    }
)
_ANSWERED_ALIKE: Final = _LISTS | {"PutItem", "UpdateItem", "DeleteItem", "PutEvents", "GetSecretValue"}
_MOST_KEPT: Final = 4_000
_GLOBAL: Final = "aws-global"
_ERROR: Final = 300

Undisturbed = Callable[[Call], Reply | None]
"""Answers a call; None, without any effect, if something may go wrong with it."""


class ShortWay:
    """What is kept are pure functions of requests and answers, so a scenario goes the same way whatever ran before.

    Equal answers are one object, which nobody may change.
    """

    def __init__(self) -> None:
        self._models: dict[tuple[Any, str], tuple[str, OperationModel]] = {}
        self._paginators: dict[tuple[Any, str], _Paginator] = {}
        self._calls: dict[tuple[Any, str, bytes], Call] = {}
        self._parsed: dict[tuple[str, str, int, bytes], Any] = {}

    def ask(self, client: Any, operation: str, parameters: Any, answer: Undisturbed) -> tuple[bool, Any]:
        """Stands for `client._make_api_call`.

        Returns:
            Whether the call was made, and what botocore returns for it. Raises botocore's own errors.
        """
        if (client, operation) not in self._models:
            described = client.meta.service_model
            self._models[client, operation] = described.service_name, described.operation_model(operation)
        service, model = self._models[client, operation]
        make = self._call if operation in _LISTS else _serialised
        call = make(client, model, parameters)
        reply = answer(call)
        if reply is None:
            return False, None
        alike = operation in _ANSWERED_ALIKE
        parsed = self._read(client, service, model, reply) if alike else _read(client, model, reply)
        if reply.status >= _ERROR:
            raise client.exceptions.from_code(parsed["Error"]["Code"])(parsed, operation)
        return True, parsed

    def get_paginator(self, original: Callable[[Any, str], Any], client: Any, operation: str) -> Any:
        """Stands for `client.get_paginator`: botocore makes a class for each; one a client is enough."""
        if (client, operation) not in self._paginators:
            self._paginators[client, operation] = _Paginator(original(client, operation))
        return self._paginators[client, operation]

    def _call(self, client: Any, model: OperationModel, parameters: Any) -> Call:
        key = (client, model.name, marshal.dumps(parameters, 2))
        call = self._calls.get(key)
        if call is None:
            _make_room(self._calls)
            call = self._calls[key] = _serialised(client, model, parameters)
        return call

    def _read(self, client: Any, service: str, model: OperationModel, reply: Reply) -> Any:
        key = (service, model.name, reply.status, reply.body)
        parsed = self._parsed.get(key)
        if parsed is None:
            _make_room(self._parsed)
            parsed = self._parsed[key] = _read(client, model, reply)
        return parsed


class _Paginator:
    """Botocore's paginator, which is asked only for a list that has more than one page."""

    def __init__(self, botocores: Any) -> None:
        self._botocores = botocores
        self._ask = botocores._method
        self._size = botocores._limit_key
        self._tokens = [one.expression for one in botocores._output_token]
        botocores.PAGE_ITERATOR_CLS = _Pages

    def paginate(self, **request: Any) -> Iterator[Any]:
        paging = request.get("PaginationConfig", {})
        if paging.keys() - {"PageSize"}:
            yield from self._botocores.paginate(**request)
            return
        asked = {key: value for key, value in request.items() if key != "PaginationConfig"}
        first = self._ask(**asked, **({self._size: paging["PageSize"]} if paging else {}))
        if any(token in first for token in self._tokens):
            pages = self._botocores.paginate(**request)
            pages.first = first
            yield from pages
        else:
            yield first


class _Pages(PageIterator):  # type: ignore[type-arg]
    """The pages of a list of which the first one is there."""

    first: Any = None

    def _make_request(self, current_kwargs: Any) -> Any:
        first, self.first = self.first, None
        return first or super()._make_request(current_kwargs)  # type: ignore[misc]


def _make_room(kept: dict[Any, Any]) -> None:
    if len(kept) >= _MOST_KEPT:
        kept.clear()


def _serialised(client: Any, model: OperationModel, parameters: Any) -> Call:
    given = client._emit_api_params(api_params=parameters, operation_model=model, context={})
    request: Mapping[str, Any] = client._serializer.serialize_to_request(given, model)
    region = client.meta.region_name
    return read_call(
        client.meta.service_model.service_name,
        "us-east-1" if region == _GLOBAL else region,
        request["headers"],
        request["body"],
        request["method"],
        request["url_path"],
    )


def _read(client: Any, model: OperationModel, reply: Reply) -> Any:
    response: Any = AWSResponse("https://simulated", reply.status, dict(reply.headers), None)  # type: ignore[arg-type]
    response._content = reply.body
    raw = convert_to_response_dict(response, model)
    parsed = client._response_parser.parse(raw, model.output_shape)
    if reply.status >= _ERROR:
        client._endpoint._add_modeled_error_fields(raw, parsed, model, client._response_parser)
    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.emit(
        f"after-call.{service}.{model.name}", http_response=response, parsed=parsed, model=model, context={}
    )
    return parsed
