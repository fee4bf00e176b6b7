"""The idempotency table, as boto3 sees it: MiniStack's DynamoDB answers in this process, without a server."""

from __future__ import annotations

import asyncio
import threading
import uuid
from typing import Any
from unittest.mock import patch

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from runtime.clients import TABLE_TIMEOUTS

# MiniStack's module removes expired records by a thread that sleeps, and tests let sleeps take no time.
with patch.object(threading.Thread, "start"):
    from ministack.services import dynamodb

_ENDPOINT = "http://dynamodb.invalid"


class _Raw:
    """The body of an answer, as urllib3 hands it to botocore."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Any:
        yield self._body


class IdempotencyTable:
    """A table of its own, with Powertools' names. `calls` are the actions that were asked for.

    Attributes:
        fails_on: actions that cannot reach the table, such as {"PutItem"}.
        loses_first_answer_of: actions that take effect, but only the answer to botocore's second attempt arrives.
    """

    def __init__(self) -> None:
        self.name = f"told-{uuid.uuid4().hex}"
        self.calls: list[str] = []
        self.fails_on: frozenset[str] = frozenset()
        self.loses_first_answer_of: frozenset[str] = frozenset()
        self.client = boto3.client(
            "dynamodb",
            region_name="us-east-1",
            endpoint_url=_ENDPOINT,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=TABLE_TIMEOUTS,
        )
        self.client.meta.events.register("before-send.dynamodb.*", self._answer)
        self.client.create_table(
            TableName=self.name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

    def pass_time(self, seconds: float) -> None:
        """Let all records be older by so many seconds."""
        for item in self.records():
            for name, factor in (("expiration", 1), ("in_progress_expiration", 1000)):
                if name in item:
                    item[name] = {"N": str(int(int(item[name]["N"]) - seconds * factor))}
            self.client.put_item(TableName=self.name, Item=item)

    def records(self) -> list[dict[str, Any]]:
        """All items."""
        return list(self.client.scan(TableName=self.name)["Items"])

    def _answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        headers = {
            key.lower(): value.decode() if isinstance(value, bytes) else value
            for key, value in request.headers.items()
        }
        action = headers["x-amz-target"].rpartition(".")[2]
        self.calls.append(action)
        if action in self.fails_on:
            raise EndpointConnectionError(endpoint_url=_ENDPOINT)
        body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
        status, answered, content = asyncio.run(dynamodb.handle_request("POST", "/", headers, body, {}))
        if action in self.loses_first_answer_of and headers["amz-sdk-request"].startswith("attempt=1"):
            raise ReadTimeoutError(endpoint_url=_ENDPOINT)
        return AWSResponse(request.url, status, answered, _Raw(content))
