"""How the lists of Run Command are read."""

from __future__ import annotations

from typing import Any

import pytest

from snow_white.aws.run_command import commands_since, invocations, send
from snow_white.model.action import Action
from tests.lambdas.fake_cloud import START, FakeCloud


class Pages:
    """An SSM client whose lists answer with these rows."""

    def __init__(self, key: str, rows: list[dict[str, Any]]) -> None:
        self.key, self.rows = key, rows

    def get_paginator(self, _name: str) -> Pages:
        return self

    def paginate(self, **_: object) -> list[dict[str, Any]]:
        return [{self.key: self.rows}]


def command(**changes: Any) -> dict[str, Any]:
    return {
        "CommandId": "c-1",
        "InstanceIds": ["i-1"],
        "RequestedDateTime": START,
        "Status": "InProgress",
        **changes,
    }


def invocation(status: str, details: str = "") -> dict[str, Any]:
    return {"CommandId": "c-1", "InstanceId": "i-1", "Status": status, "StatusDetails": details or status}


@pytest.mark.parametrize(
    ("status", "details", "ended"),
    [
        ("Failed", "LimitExceeded", True),
        ("Failed", "SomethingNew", True),
        ("InProgress", "SomethingNew", False),
        ("Success", "", True),
        ("TimedOut", "Delivery Timed Out", True),
        ("Cancelled", "Canceled", True),
        ("Pending", "Delayed", False),
    ],
)
def test_details_that_nobody_has_documented_are_told_by_the_plain_status(
    status: str, details: str, ended: bool
) -> None:
    listed: Any = Pages("Commands", [command(Status=status, StatusDetails=details)])
    assert [one.ended for one in commands_since(listed, Action.QUIET, START)] == [ended]
    rows: Any = Pages("CommandInvocations", [invocation(status, details)])
    assert [one.ended for one in invocations(rows, "c-1")] == [ended]


@pytest.mark.parametrize("turn", [1, -1])
def test_of_rows_that_come_twice_the_one_that_has_ended_counts(turn: int) -> None:
    rows = [invocation("InProgress"), invocation("Success"), invocation("InProgress")][::turn]
    listed: Any = Pages("CommandInvocations", rows)
    assert [one.status for one in invocations(listed, "c-1")] == ["success"]


def test_the_newest_version_of_the_document_is_sent_whatever_the_default_is() -> None:
    region = FakeCloud()["us-east-1"]
    (instance,) = region.add_environment("shop", "shop-workers", instances=1)
    send(region, Action.QUIET, [instance.id], execution_timeout=60, comment="SnowWhite")  # type: ignore[arg-type]
    assert region.commands[0].options["DocumentVersion"] == "$LATEST"


@pytest.mark.parametrize(
    ("comment", "sender"),
    [
        ("SnowWhite deploy-7 0123abcd 1", "the run deploy-7"),
        ("", "somebody outside Snow White"),
        ("by hand", "somebody outside Snow White"),
    ],
)
def test_a_command_names_the_run_that_has_sent_it(comment: str, sender: str) -> None:
    listed: Any = Pages("Commands", [command(Comment=comment)])
    assert [one.sender for one in commands_since(listed, Action.WAKE, START)] == [sender]
