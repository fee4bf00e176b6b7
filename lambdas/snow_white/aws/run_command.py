"""SSM Run Command: sending a document to instances, and reading what became of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from snow_white.aws.batches import batches
from snow_white.aws.errors import code_of
from snow_white.aws.regions import RegionUnavailable
from snow_white.model.action import Action
from snow_white.model.run import Execution

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_ssm.type_defs import CommandInvocationTypeDef, CommandTypeDef

DOWNLOAD_STEP: Final = "download"  # what the name of a step begins with that only downloads the script
INSTANCES_A_COMMAND: Final = 50  # SSM: instance ids of one SendCommand
DELIVERY_SECONDS: Final = 120  # how long a command may wait for its agent to take it
RECHECK_DELIVERY_SECONDS: Final = 60
"""The same of a recheck: with the time that its script may run, none goes on for longer than two minutes."""
_PRODUCT: Final = "SnowWhite"  # what the comment of each command begins with
_RENEWAL: Final = " renewal"  # what the comment of a command ends with that renews confirmations
_RECHECK: Final = " recheck"  # what that of a status command ends with that only asks whether they still hold
_PAGE: Final = 50  # SSM: the largest page of both lists
_NAME_LENGTH: Final = 60
_REASON_LENGTH: Final = 150
# SendCommand's errors that are about single instances: not managed, ended; Windows; one without a tag that the role
# may send to, which IAM refuses by name.
_INSTANCE_ERRORS: Final = frozenset({"InvalidInstanceId", "UnsupportedPlatformType"})
_DENIED_ERRORS: Final = frozenset({"AccessDeniedException", "AccessDenied"})
_DENIED: Final = (
    "IAM does not allow Snow White to send commands to it, but to instances of Elastic Beanstalk, and to those that "
    "the settings worker_groups and worker_tags allow"
)
# A clock that is a little off must not hide the first commands of a run.
_CLOCK_SKEW: Final = timedelta(minutes=5)
_GOING_ON: Final = frozenset({"pending", "inprogress", "delayed", "cancelling"})
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
        "limitexceeded",
        "ratelimitexceeded",
        "rateexceeded",
        "noinstancesintag",
    }
)


@dataclass(frozen=True)
class Command:
    """One command as ListCommands tells it.

    `completed` counts its instances that ended, in whatever way; `run` is the document's parameter of that name.
    """

    id: str
    instance_ids: tuple[str, ...]
    requested_at: datetime
    ended: bool
    completed: int
    comment: str = ""
    run: str = ""

    @property
    def short_id(self) -> str:
        return short_id(self.id)

    @property
    def sender(self) -> str:
        """Who sent it, as a person reads it: the run that its comment names."""
        product, _, rest = self.comment.partition(" ")
        return (
            f"the run {rest.split(' ')[0]}" if product == _PRODUCT and rest else "somebody outside Snow White"
        )

    @property
    def is_renewal(self) -> bool:
        """Whether it was sent to instances that were confirmed, only because the confirmation was stale."""
        return self.comment.endswith(_RENEWAL)


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


def comment(execution: Execution, sending: int, *, renewal: bool = False, recheck: bool = False) -> str:
    """What marks a command as sent by an execution, at most 100 characters: its name and the sending's number.

    The name alone could be that of an execution in another home region, so a digest of the ARN stands beside it.
    """
    kind = _RENEWAL if renewal else _RECHECK if recheck else ""
    return f"{_marker(execution)}{sending}{kind}"


@lru_cache(8)  # every poll needs it in every region
def _marker(execution: Execution) -> str:
    digest = hashlib.sha256(execution.arn.encode()).hexdigest()[:8]
    return f"{_PRODUCT} {execution.name[:_NAME_LENGTH]} {digest} "


def send(
    client: SSMClient,
    action: Action,
    instance_ids: Sequence[str],
    *,
    execution_timeout: int,
    comment: str,
    run: str = "",
    delivery_seconds: int = DELIVERY_SECONDS,
) -> Sent:
    """Send the action's document to the instances, 50 a command, to all of them at once.

    One instance that the service refuses fails a whole call; it is left out, and the others are sent to.

    Args:
        execution_timeout: seconds that the script may run on a host.
        run: the document's parameter of that name, from `run_parameter`; "" for none.
        delivery_seconds: how long it may wait for an agent to take it.
    """
    sent = Sent()
    parameters = {"executionTimeout": [str(execution_timeout)], **({"run": [run]} if run else {})}
    for ids in batches(instance_ids, INSTANCES_A_COMMAND):
        sent += _send_to_accepted(client, action, tuple(ids), parameters, comment, delivery_seconds)
    return sent


def run_parameter(execution: Execution) -> str:
    """How hosts remember a run, at most 93 characters: the time of its start, to tell the newer of two, and its name.

    A name may have characters that no script should be given; each of these becomes a hyphen.
    """
    return f"{int(execution.started_at.timestamp())} {run_name(execution.name)}"


def run_name(name: str) -> str:
    """The name of an execution as hosts remember it."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", name)


def _send_to_accepted(
    client: SSMClient,
    action: Action,
    ids: tuple[str, ...],
    parameters: dict[str, list[str]],
    comment: str,
    delivery_seconds: int,
) -> Sent:
    def send_rest(some: tuple[str, ...]) -> Sent:
        return _send_to_accepted(client, action, some, parameters, comment, delivery_seconds)

    try:
        answer = client.send_command(
            DocumentName=action.document_name,
            # The default version may be an older one: updating a document by CloudFormation need not move it.
            DocumentVersion="$LATEST",
            InstanceIds=list(ids),
            Parameters=parameters,
            TimeoutSeconds=delivery_seconds,
            Comment=comment,
            # The service's defaults, 50 and 0, would keep worker 51 waiting for hours, and
            # would end the sending with the first failure.
            MaxConcurrency="50",
            MaxErrors="100%",
        )
    except ClientError as error:
        code = code_of(error)
        said = error.response.get("Error", {}).get("Message", "") or code
        refused = _named_in(said, ids) if code in (*_INSTANCE_ERRORS, *_DENIED_ERRORS) else ()
        if not refused and code not in _INSTANCE_ERRORS:
            raise
        if not refused and len(ids) > 1:
            # It does not say which: halve until the one is alone.
            middle = len(ids) // 2
            return send_rest(ids[:middle]) + send_rest(ids[middle:])
        reason = _DENIED if code in _DENIED_ERRORS else said[:_REASON_LENGTH]
        left_out = Sent(refused=dict.fromkeys(refused or ids, reason))
        rest = tuple(one for one in ids if one not in left_out.refused)
        if not rest:
            return left_out
        return left_out + send_rest(rest)
    return Sent((answer["Command"]["CommandId"],), len(ids))


def _named_in(text: str, ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(one for one in ids if re.search(rf"(?<![\w-]){re.escape(one)}(?![\w-])", text))


def commands_of(
    client: SSMClient, action: Action, execution: Execution, known_ids: Iterable[str] = ()
) -> list[Command]:
    """All commands that the execution has sent in the client's region, oldest first.

    Args:
        known_ids: commands that must exist. One that the list, which is eventually consistent, does not show
            yet is asked for by its id.

    Raises:
        RegionUnavailable: a known command is not shown at all yet, so what was sent is not known for sure.
    """
    marker = _marker(execution)
    found = {
        command.id: command
        for command in commands_since(client, action, execution.started_at - _CLOCK_SKEW)
        if command.comment.startswith(marker)
    }
    for missing in set(known_ids) - found.keys():
        found[missing] = command_by_id(client, missing)
    return sorted(found.values(), key=lambda command: (command.requested_at, command.id))


def rechecks_of(client: SSMClient, execution: Execution, since: datetime) -> list[Command]:
    """The rechecks that the execution has sent in the client's region since then, oldest first."""
    marker = _marker(execution)
    return [
        command
        for command in commands_since(client, Action.STATUS, since)
        if command.comment.startswith(marker) and command.comment.endswith(_RECHECK)
    ]


def commands_since(client: SSMClient, action: Action, since: datetime) -> list[Command]:
    """All commands with the action's document in the client's region, whoever sent them, oldest first."""
    pages = client.get_paginator("list_commands").paginate(
        Filters=[
            {"key": "InvokedAfter", "value": since.strftime("%Y-%m-%dT%H:%M:%SZ")},
            {"key": "DocumentName", "value": action.document_name},
        ],
        PaginationConfig={"PageSize": _PAGE},
    )
    found: dict[str, Command] = {}
    for page in pages:
        for command in map(_command, page.get("Commands", [])):
            known = found.get(command.id)
            # Rows may come twice, and one of them may be old.
            if known is None or (known.ended, known.completed) < (command.ended, command.completed):
                found[command.id] = command
    return sorted(found.values(), key=lambda command: (command.requested_at, command.id))


def command_by_id(client: SSMClient, command_id: str) -> Command:
    """The command with this id.

    Raises:
        RegionUnavailable: it is not shown yet, although it was sent.
    """
    try:
        listed = client.list_commands(CommandId=command_id).get("Commands", [])
    except ClientError as error:
        if code_of(error) != "InvalidCommandId":
            raise
        listed = []
    if not listed:
        raise RegionUnavailable(f"Run Command does not show the command {command_id} yet")
    return _command(listed[0])


def short_id(command_id: str) -> str:
    """What tells a command from the others of a region in a third of the bytes: the last 12 random digits of its id."""
    return command_id[-12:]


def invocations(client: SSMClient, command_id: str) -> list[Invocation]:
    """What the command did on each of its instances."""
    pages = client.get_paginator("list_command_invocations").paginate(
        CommandId=command_id, Details=True, PaginationConfig={"PageSize": _PAGE}
    )
    found: dict[str, Invocation] = {}
    for page in pages:
        for invocation in map(_invocation, page.get("CommandInvocations", [])):
            known = found.get(invocation.instance_id)
            # Rows may come twice, and one of them may be old. Of two ends the one that proves nothing counts.
            if known is None or not known.ended or (invocation.ended and invocation.status != "success"):
                found[invocation.instance_id] = invocation
    return list(found.values())


def cancel(client: SSMClient, commands: Iterable[Command]) -> int:
    """Cancel those of the commands that have not ended; returns how many. The agent ends their scripts at once.

    One that cannot be cancelled keeps no other from it; the first error is raised at the end.
    """
    cancelled = 0
    errors: list[ClientError] = []
    for command in commands:
        if command.ended:
            continue
        try:
            client.cancel_command(CommandId=command.id)
            cancelled += 1
        except ClientError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return cancelled


@lru_cache(64)  # of the few that there are, each is read once an instance
def normalise(status: str) -> str:
    """One spelling for the service's varying texts: `Delivery Timed Out`, `DeliveryTimedOut`; `Canceled`."""
    return re.sub(r"[^a-z]", "", status.lower()).replace("canceled", "cancelled")


def _status(raw: CommandTypeDef | CommandInvocationTypeDef) -> str:
    """Its StatusDetails in one spelling; details that nobody has documented are told by the plain Status."""
    details = normalise(raw.get("StatusDetails", ""))
    return details if details in _ENDED | _GOING_ON else normalise(raw["Status"])


def _command(raw: CommandTypeDef) -> Command:
    return Command(
        id=raw["CommandId"],
        instance_ids=tuple(raw.get("InstanceIds", [])),
        # Botocore's time is in the local zone, which is slow to compare, and is compared once an instance.
        requested_at=raw["RequestedDateTime"].astimezone(UTC),
        ended=_status(raw) in _ENDED,
        completed=raw.get("CompletedCount", 0),
        comment=raw.get("Comment", ""),
        run="".join(raw.get("Parameters", {}).get("run", [])),
    )


def _invocation(raw: CommandInvocationTypeDef) -> Invocation:
    # A step that downloads the script has no answer in it; nobody promises that the list keeps the steps' order.
    plugins = [
        one for one in raw.get("CommandPlugins", []) if not one.get("Name", "").startswith(DOWNLOAD_STEP)
    ]
    plugin = plugins[-1] if plugins else {}
    return Invocation(
        command_id=raw["CommandId"],
        instance_id=raw["InstanceId"],
        status=_status(raw),
        output=plugin.get("Output", ""),
        exit_code=plugin.get("ResponseCode"),
        ended_at=plugin.get("ResponseFinishDateTime"),
    )
