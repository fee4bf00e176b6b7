"""Other runs that are under way: running executions of the same state machine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Final

from snow_white.model.run import Execution
from snow_white.model.stated_request import StatedRequest
from snow_white.model.termination import is_of_termination

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_MOST: Final = 50


class OppositeRunUnderWay(Exception):
    """An earlier run that is still going undoes what this one does; the sentence says how to stop it."""


@dataclass(frozen=True)
class RunUnderWay:
    """A running execution and what it was started with."""

    arn: str
    name: str
    started_at: datetime
    request: StatedRequest


def runs_under_way(client: SFNClient, execution: Execution) -> list[RunUnderWay]:
    """The other running executions of the state machine, at most 50, the newest first.

    Those for the termination of an instance are left out: an update may start many at once, and undoes no other run.
    """
    machine, _, _ = execution.arn.replace(":execution:", ":stateMachine:").rpartition(":")
    pages = client.get_paginator("list_executions").paginate(stateMachineArn=machine, statusFilter="RUNNING")
    listed = (
        one
        for page in pages
        for one in page.get("executions", [])
        if one["executionArn"] != execution.arn and not is_of_termination(one["name"])
    )
    return [
        RunUnderWay(
            one["executionArn"],
            one["name"],
            one["startDate"],
            _request(client.describe_execution(executionArn=one["executionArn"]).get("input")),
        )
        for one in islice(listed, _MOST)
    ]


def _request(text: str | None) -> StatedRequest:
    try:
        return StatedRequest.read(json.loads(text or "{}"))
    except ValueError:
        return StatedRequest()
