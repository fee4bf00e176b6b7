"""The requester of a recent run, as the execution's input states it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from snow_white_cli.showing.run_list import recent_runs
from tests.snow_white_cli.fake_step_functions import ARN, START

MACHINE = "arn:aws:states:us-east-1:111122223333:stateMachine:SnowWhite"


class OneExecution:
    """A Step Functions client with one execution, which has this input."""

    def __init__(self, given: str) -> None:
        self._given = given

    def get_paginator(self, name: str) -> OneExecution:
        assert name == "list_executions"
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{"executions": [{"executionArn": ARN}]}]

    def describe_execution(self, **_: Any) -> dict[str, Any]:
        return {"status": "SUCCEEDED", "startDate": START, "stopDate": START, "input": self._given}


@pytest.mark.parametrize(
    ("given", "requester"),
    [
        ({"requested_by": "ann"}, "ann"),
        ({"requested_by": "Slack user ann (U0ANN)", "slack_user": "U0ANN"}, "Slack user ann (U0ANN)"),
        ({"slack_user": "U0ANN"}, "Slack user U0ANN"),
        ({"slack_user": "<!channel>"}, ""),
        ({}, ""),
        ("quiet", ""),
    ],
)
def test_the_requester_is_the_name_or_else_the_slack_user(given: object, requester: str) -> None:
    (run,) = recent_runs(OneExecution(json.dumps(given)), MACHINE, 1)
    assert run.requested_by == requester
