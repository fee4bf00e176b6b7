"""What the short way leaves out of botocore makes no difference, and what it keeps is never changed."""

from __future__ import annotations

import copy
from typing import Any

import boto3
import pytest

from tests.soak.cloud import edge, short_way
from tests.soak.cloud.short_way import ShortWay
from tests.soak.scenarios.examine import examine


class Nodes:
    """Answers DescribeInstanceInformation with so many rows, in pages of the size that is asked for."""

    def __init__(self, count: int) -> None:
        self.rows = [{"InstanceId": f"i-{index}"} for index in range(count)]
        self.asked: list[dict[str, Any]] = []

    def __call__(self, _operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(dict(parameters))
        first, size = int(parameters.get("NextToken", 0)), parameters.get("MaxResults", 50)
        more = {"NextToken": str(first + size)} if first + size < len(self.rows) else {}
        return {"InstanceInformationList": self.rows[first : first + size], **more}


@pytest.mark.parametrize("config", [{}, {"PageSize": 2}, {"PageSize": 2, "MaxItems": 3}])
@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_pages_are_those_of_botocore(
    count: int, config: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = boto3.Session("id", "secret", region_name="eu-west-1").client("ssm")
    request: dict[str, Any] = {"Filters": [{"Key": "PingStatus", "Values": ["Online"]}]}
    if config:
        request["PaginationConfig"] = config
    pages, asked = [], []
    for paginator in (
        client.get_paginator("describe_instance_information"),
        ShortWay().get_paginator(
            lambda one, name: one.get_paginator(name), client, "describe_instance_information"
        ),
    ):
        nodes = Nodes(count)
        monkeypatch.setattr(client, "_make_api_call", nodes)
        pages.append(list(paginator.paginate(**copy.deepcopy(request))))
        asked.append(nodes.asked)
    assert pages[0] == pages[1]
    assert asked[0] == asked[1]


def test_answers_that_are_kept_are_never_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[tuple[Any, Any]] = []
    original = short_way._read

    def read(*given: Any) -> Any:
        parsed = original(*given)
        kept.append((parsed, copy.deepcopy(parsed)))
        return parsed

    monkeypatch.setattr(short_way, "_read", read)
    monkeypatch.setattr(edge, "_SHORT_WAY", ShortWay())
    for seed in range(1, 11):
        examine(seed)
    assert len(kept) > 100
    for parsed, first in kept:
        assert parsed == first
