"""Botocore without the layers between serialising a call and parsing its answer: signing, HTTP and retries.

Those have nothing to do while no fault may hit a call and its client is not slowed down. Serialising, validating and
parsing are botocore's own; each distinct list is asked for and read once in a process.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from typing import Any, Final

from botocore.awsrequest import AWSResponse
from botocore.endpoint import convert_to_response_dict
from botocore.model import OperationModel

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
_MOST_KEPT: Final = 4_000
_GLOBAL: Final = "aws-global"
_ERROR: Final = 300

Undisturbed = Callable[[Call], Reply | None]
"""Answers a call; None, without any effect, if something may go wrong with it."""


class ShortWay:
    """What is kept are pure functions of requests and answers, so a scenario goes the same way whatever ran before."""

    def __init__(self) -> None:
        self._calls: dict[tuple[str, str, str, str], Call] = {}
        self._parsed: dict[tuple[str, str, int, bytes], bytes] = {}

    def ask(self, client: Any, operation: str, parameters: Any, answer: Undisturbed) -> tuple[bool, Any]:
        """Stands for `client._make_api_call`.

        Returns:
            Whether the call was made, and what botocore returns for it. Raises botocore's own errors.
        """
        model = client.meta.service_model.operation_model(operation)
        reply = answer(self._call(client, model, parameters))
        if reply is None:
            return False, None
        parsed = self._read(client, model, reply)
        if reply.status >= _ERROR:
            raise client.exceptions.from_code(parsed["Error"]["Code"])(parsed, operation)
        return True, parsed

    def _call(self, client: Any, model: OperationModel, parameters: Any) -> Call:
        if model.name not in _LISTS:
            return _serialised(client, model, parameters)
        key = (client.meta.service_model.service_name, client.meta.region_name, model.name, repr(parameters))
        if key not in self._calls:
            _make_room(self._calls)
            self._calls[key] = _serialised(client, model, parameters)
        return self._calls[key]

    def _read(self, client: Any, model: OperationModel, reply: Reply) -> Any:
        if model.name not in _LISTS:
            return _read(client, model, reply)
        key = (client.meta.service_model.service_name, model.name, reply.status, reply.body)
        if key not in self._parsed:
            _make_room(self._parsed)
            self._parsed[key] = pickle.dumps(_read(client, model, reply))
        return pickle.loads(self._parsed[key])  # noqa: S301


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
