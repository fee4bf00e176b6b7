"""How the lists of Run Command are read."""

from __future__ import annotations

from typing import Any

import pytest

from snow_white.aws.run_command import commands_since, invocations, send
from snow_white.model.action import Action
from tests.fake_client import FakeClient
from tests.lambdas.fake_cloud import START, FakeCloud, client_error, command_id

COMMAND = command_id("us-east-1", 0)


class Lists(FakeClient, services=("ssm",)):
    """An SSM client whose lists answer with these rows."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def list_commands(self, **_: object) -> dict[str, Any]:
        return {"Commands": self.rows}

    def list_command_invocations(self, **_: object) -> dict[str, Any]:
        return {"CommandInvocations": self.rows}


def command(**changes: Any) -> dict[str, Any]:
    return {
        "CommandId": COMMAND,
        "InstanceIds": ["i-1"],
        "RequestedDateTime": START,
        "Status": "InProgress",
        **changes,
    }


def invocation(status: str, details: str = "") -> dict[str, Any]:
    return {"CommandId": COMMAND, "InstanceId": "i-1", "Status": status, "StatusDetails": details or status}


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
    listed: Any = Lists([command(Status=status, StatusDetails=details)])
    assert [one.ended for one in commands_since(listed, Action.QUIET, START)] == [ended]
    rows: Any = Lists([invocation(status, details)])
    assert [one.ended for one in invocations(rows, COMMAND)] == [ended]


@pytest.mark.parametrize("turn", [1, -1])
def test_of_rows_that_come_twice_the_one_that_has_ended_counts(turn: int) -> None:
    rows = [invocation("InProgress"), invocation("Success"), invocation("InProgress")][::turn]
    listed: Any = Lists(rows)
    assert [one.status for one in invocations(listed, COMMAND)] == ["success"]


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
    listed: Any = Lists([command(Comment=comment)])
    assert [one.sender for one in commands_since(listed, Action.WAKE, START)] == [sender]


class Guarded(FakeClient, services=("ssm",)):
    """An SSM client whose caller may not send to one of the instances."""

    def __init__(self) -> None:
        self.sent: list[list[str]] = []

    def send_command(self, *, InstanceIds: list[str], **_: object) -> dict[str, Any]:
        if "i-0123456789abcdef9" in InstanceIds:
            arn = "arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef9"
            role = "arn:aws:sts::111122223333:assumed-role/SnowWhite-FunctionsDispatchCommandRole/SnowWhite-Functions"
            message = f"User: {role} is not authorized to perform: ssm:SendCommand on resource: {arn}"
            raise client_error("AccessDeniedException", message, 400)
        self.sent.append(InstanceIds)
        return {"Command": {"CommandId": COMMAND}}


def test_an_instance_that_iam_does_not_allow_keeps_no_other_from_being_sent_to_and_the_reason_says_so() -> (
    None
):
    client: Any = Guarded()
    sent = send(
        client,
        Action.QUIET,
        ["i-0123456789abcdef1", "i-0123456789abcdef9", "i-0123456789abcdef2"],
        execution_timeout=60,
        comment="",
    )
    assert client.sent == [["i-0123456789abcdef1", "i-0123456789abcdef2"]]
    assert sent.refused.keys() == {"i-0123456789abcdef9"}
    assert sent.refused["i-0123456789abcdef9"].startswith(
        "IAM does not allow Snow White to send commands to it"
    )


@pytest.mark.parametrize("turn", [1, -1])
def test_of_commands_that_come_twice_the_one_that_is_further_counts(turn: int) -> None:
    rows = [
        command(CompletedCount=1),
        command(Status="Success", CompletedCount=2),
        command(CompletedCount=2),
    ][::turn]
    listed: Any = Lists(rows)
    (found,) = commands_since(listed, Action.QUIET, START)
    assert (found.ended, found.completed) == (True, 2)


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize("other", ["Failed", "Cancelled", "TimedOut"])
def test_of_two_ends_that_differ_the_one_that_proves_nothing_counts(other: str, turn: int) -> None:
    rows: Any = Lists([invocation("Success"), invocation(other)][::turn])
    assert [one.status for one in invocations(rows, COMMAND)] == [other.lower()]
