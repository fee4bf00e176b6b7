"""The requester of a recent run, as the execution's input states it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from snow_white_cli.showing.run_list import recent_runs
from tests.fake_client import FakeClient
from tests.snow_white_cli.fake_step_functions import ARN, MACHINE, START

EXECUTION = {
    "executionArn": ARN,
    "stateMachineArn": MACHINE,
    "name": "quiet-backups-1",
    "status": "SUCCEEDED",
    "startDate": START,
    "stopDate": START,
}


class OneExecution(FakeClient, services=("stepfunctions",)):
    """A Step Functions client with one execution, which has this input."""

    def __init__(self, given: str) -> None:
        self._given = given

    def list_executions(self, **_: Any) -> dict[str, Any]:
        return {"executions": [EXECUTION]}

    def describe_execution(self, **_: Any) -> dict[str, Any]:
        return {**EXECUTION, "input": self._given}


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
