"""Who asked for the runs of late, as their inputs say it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from snow_white_cli.recent import recent_runs
from tests.snow_white_cli.fake_machine import ARN, START

MACHINE = "arn:aws:states:us-east-1:111122223333:stateMachine:SnowWhite"


class OneRunOnly:
    """A Step Functions client of a machine that ran once, with this input."""

    def __init__(self, given: str) -> None:
        self._given = given

    def get_paginator(self, name: str) -> OneRunOnly:
        assert name == "list_executions"
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{"executions": [{"executionArn": ARN}]}]

    def describe_execution(self, **_: Any) -> dict[str, Any]:
        return {"status": "SUCCEEDED", "startDate": START, "stopDate": START, "input": self._given}


@pytest.mark.parametrize(
    ("given", "asked_by"),
    [
        ({"requested_by": "ann"}, "ann"),
        ({"requested_by": "Slack user ann (U0ANN)", "slack_user": "U0ANN"}, "Slack user ann (U0ANN)"),
        ({"slack_user": "U0ANN"}, "Slack user U0ANN"),
        ({"slack_user": "<!channel>"}, ""),
        ({}, ""),
        ("quiet", ""),
    ],
)
def test_a_run_says_who_asked_for_it_as_well_as_it_is_known(given: object, asked_by: str) -> None:
    (run,) = recent_runs(OneRunOnly(json.dumps(given)), MACHINE, 1)
    assert run.requested_by == asked_by
