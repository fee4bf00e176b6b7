"""SSM Run Command: sending a document to instances, and reading what became of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from snow_white.batches import batches
from snow_white.request import Action

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_ssm.type_defs import CommandInvocationTypeDef, CommandTypeDef

DOCUMENT_NAMES: Final = {
    Action.QUIET: "SnowWhite-QuietSidekiqWorkers",
    Action.STOP: "SnowWhite-StopSidekiqWorkers",
    Action.WAKE: "SnowWhite-WakeSidekiqWorkers",
    Action.STATUS: "SnowWhite-StatusSidekiqWorkers",
}
INSTANCES_A_COMMAND: Final = 50  # SSM: instance ids of one SendCommand
DELIVERY_SECONDS: Final = 120  # how long a command may wait for its agent to take it
_PAGE: Final = 50  # SSM: the largest page of both lists
_COMMENT_LENGTH: Final = 100
# SendCommand's errors that are about single instances: not managed or ended; Windows.
_ONE_OF_THEM_IS_WRONG: Final = frozenset({"InvalidInstanceId", "UnsupportedPlatformType"})
# A clock that is a little off must not hide the first commands of a run.
_CLOCK_SKEW: Final = timedelta(minutes=5)
_ENDED: Final = frozenset(
    {
        "success",
        "failed",
        "timedout",
        "executiontimedout",
        "deliverytimedout",
        "cancelled",
        "undeliverable",
        "terminated",
        "invalidplatform",
        "accessdenied",
        "incomplete",
        "ratelimitexceeded",
        "rateexceeded",
        "noinstancesintag",
    }
)


@dataclass(frozen=True)
class Command:
    """One command as ListCommands tells it. `completed` counts its instances that ended, in whatever way."""

    id: str
    instance_ids: tuple[str, ...]
    requested_at: datetime
    ended: bool
    completed: int


@dataclass(frozen=True)
class Invocation:
    """What one command did on one instance.

    `status` is the service's StatusDetails in one spelling: lower case letters only.
    `output` is the plugin's output (at most 2,500 characters), empty until the command has ended there.
    """

    command_id: str
    instance_id: str
    status: str
    output: str
    exit_code: int | None
    ended_at: datetime | None

    @property
    def ended(self) -> bool:
        return self.status in _ENDED


@dataclass(frozen=True)
class Sent:
    """The commands that were sent, and for each instance that SSM refused, what it said."""

    command_ids: tuple[str, ...] = ()
    instances: int = 0
    refused: dict[str, str] = field(default_factory=dict)

    def __add__(self, other: Sent) -> Sent:
        return Sent(
            self.command_ids + other.command_ids,
            self.instances + other.instances,
            {**self.refused, **other.refused},
        )


def comment(execution: str, sending: int) -> str:
    """What marks a command as sent by an execution: its name (at most 80 characters) and the sending's number."""
    return f"{_marker(execution)}{sending}"[:_COMMENT_LENGTH]


def _marker(execution: str) -> str:
    return f"SnowWhite {execution} "


def send(
    client: SSMClient,
    action: Action,
    instance_ids: Sequence[str],
    *,
    execution_timeout: int,
    comment: str,
) -> Sent:
    """Send the action's document to the instances, 50 a command, to all of them at once.

    One id that the service refuses fails a whole call, so a refused batch is halved until the one is alone.

    Args:
        execution_timeout: seconds that the script may run on a host.
    """
    sent = Sent()
    for ids in batches(instance_ids, INSTANCES_A_COMMAND):
        sent += _send_or_halve(client, action, ids, execution_timeout, comment)
    return sent


def _send_or_halve(
    client: SSMClient, action: Action, ids: Sequence[str], execution_timeout: int, comment: str
) -> Sent:
    try:
        answer = client.send_command(
            DocumentName=DOCUMENT_NAMES[action],
            InstanceIds=list(ids),
            Parameters={"executionTimeout": [str(execution_timeout)]},
            TimeoutSeconds=DELIVERY_SECONDS,
            Comment=comment,
            # The service's defaults, 50 and 0, would keep worker 51 waiting for hours, and
            # would end the sending with the first failure.
            MaxConcurrency="50",
            MaxErrors="100%",
        )
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code not in _ONE_OF_THEM_IS_WRONG:
            raise
        if len(ids) == 1:
            return Sent(refused={ids[0]: error.response["Error"].get("Message", code)})
        middle = len(ids) // 2
        return _send_or_halve(client, action, ids[:middle], execution_timeout, comment) + _send_or_halve(
            client, action, ids[middle:], execution_timeout, comment
        )
    return Sent((answer["Command"]["CommandId"],), len(ids))


def commands_of(
    client: SSMClient, action: Action, execution: str, started_at: datetime, known_ids: Iterable[str] = ()
) -> list[Command]:
    """All commands that the execution has sent in the client's region, oldest first.

    Args:
        known_ids: commands that must exist. One that the list, which is eventually consistent, does not show
            yet is asked for by its id.
    """
    found: dict[str, Command] = {}
    pages = client.get_paginator("list_commands").paginate(
        Filters=[
            {"key": "InvokedAfter", "value": (started_at - _CLOCK_SKEW).strftime("%Y-%m-%dT%H:%M:%SZ")},
            {"key": "DocumentName", "value": DOCUMENT_NAMES[action]},
        ],
        PaginationConfig={"PageSize": _PAGE},
    )
    for page in pages:
        for raw in page.get("Commands", []):
            if raw.get("Comment", "").startswith(_marker(execution)):
                found[raw["CommandId"]] = _command(raw)
    for missing in set(known_ids) - found.keys():
        for raw in client.list_commands(CommandId=missing).get("Commands", []):
            found[missing] = _command(raw)
    return sorted(found.values(), key=lambda command: (command.requested_at, command.id))


def invocations(client: SSMClient, command_id: str) -> list[Invocation]:
    """What the command did on each of its instances."""
    pages = client.get_paginator("list_command_invocations").paginate(
        CommandId=command_id, Details=True, PaginationConfig={"PageSize": _PAGE}
    )
    return [_invocation(raw) for page in pages for raw in page.get("CommandInvocations", [])]


def cancel(client: SSMClient, commands: Iterable[Command]) -> int:
    """Cancel those of the commands that have not ended; returns how many. The agent ends their scripts at once."""
    open_ones = [command for command in commands if not command.ended]
    for command in open_ones:
        client.cancel_command(CommandId=command.id)
    return len(open_ones)


def normalise(status: str) -> str:
    """One spelling for the service's varying texts: `Delivery Timed Out`, `DeliveryTimedOut`; `Canceled`."""
    return re.sub(r"[^a-z]", "", status.lower()).replace("canceled", "cancelled")


def _command(raw: CommandTypeDef) -> Command:
    return Command(
        id=raw["CommandId"],
        instance_ids=tuple(raw.get("InstanceIds", [])),
        requested_at=raw["RequestedDateTime"],
        ended=normalise(raw.get("StatusDetails") or raw["Status"]) in _ENDED,
        completed=raw.get("CompletedCount", 0),
    )


def _invocation(raw: CommandInvocationTypeDef) -> Invocation:
    plugins = raw.get("CommandPlugins", [])
    plugin = plugins[-1] if plugins else {}
    return Invocation(
        command_id=raw["CommandId"],
        instance_id=raw["InstanceId"],
        status=normalise(raw.get("StatusDetails") or raw["Status"]),
        output=plugin.get("Output", ""),
        exit_code=plugin.get("ResponseCode"),
        ended_at=plugin.get("ResponseFinishDateTime"),
    )
