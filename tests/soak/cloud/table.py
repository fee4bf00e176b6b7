"""The DynamoDB table of Powertools' Idempotency: the calls that it makes, and the one condition that it writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.soak.cloud.encoding import Call, ServiceError

Json = dict[str, Any]


class ConditionFailed(ServiceError):
    """PutItem found an item that its condition does not allow to be replaced."""

    def __init__(self, item: Json) -> None:
        super().__init__("ConditionalCheckFailedException", "The conditional request failed")
        self.more = {"Item": item}


@dataclass
class Table:
    """Items by the value of their key."""

    items: dict[str, Json] = field(default_factory=dict)

    def answer(self, call: Call) -> Json:
        request = call.parameters
        match call.operation:
            case "PutItem":
                return self._put(request)
            case "GetItem":
                found = self.items.get(_key(request["Key"]))
                return {"Item": found} if found else {}
            case "DeleteItem":
                self.items.pop(_key(request["Key"]), None)
                return {}
            case "UpdateItem":
                return self._update(request)
        raise ServiceError("UnknownOperationException", call.operation)

    def _put(self, request: Mapping[str, Any]) -> Json:
        names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        key = request["Item"][names["#id"]]["S"]
        old = self.items.get(key)
        if old is not None:
            expired = _number(old, names["#expiry"]) < int(values[":now"]["N"])
            died = (
                old[names["#status"]] == values[":inprogress"]
                and names["#in_progress_expiry"] in old
                and _number(old, names["#in_progress_expiry"]) < int(values[":now_in_millis"]["N"])
            )
            if not expired and not died:
                raise ConditionFailed(old)
        self.items[key] = request["Item"]
        return {}

    def _update(self, request: Mapping[str, Any]) -> Json:
        names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        item = self.items.setdefault(_key(request["Key"]), dict(request["Key"]))
        for assignment in request["UpdateExpression"].removeprefix("SET ").split(","):
            name, _, value = assignment.partition("=")
            item[names[name.strip()]] = values[value.strip()]
        return {}


def _key(key: Mapping[str, Mapping[str, str]]) -> str:
    (value,) = key.values()
    return value["S"]


def _number(item: Json, name: str) -> int:
    return int(item[name]["N"])
