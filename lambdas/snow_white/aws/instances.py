"""The EC2 instances of a fleet, and which of them the SSM agent serves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import product
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from botocore.exceptions import ClientError

from snow_white.aws.batches import batches
from snow_white.aws.errors import UnreadableAnswer, code_of
from snow_white.model.fleet import GROUP_NAME_TAG, Instance, Members

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import FilterTypeDef, InstanceTypeDef
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_ssm.type_defs import InstanceInformationStringFilterTypeDef, InstanceInformationTypeDef

_FILTER_VALUES: Final = 200  # EC2: values of one filter
_IDS_A_CALL: Final = 1000
_STARTING: Final = ("pending",)
_RUNNING: Final = ("running",)
_LEAVING: Final = ("shutting-down", "stopping")
_ENDED: Final = ("terminated", "stopped")
_PRESENT: Final = (*_STARTING, *_RUNNING, *_LEAVING)
_TEN_MINUTES: Final = 600  # seconds
_UP_TO_TEN_MINUTES: Final = len("2021-09-29T10:2")
INSTANCES_A_PAGE: Final = 200
"""EC2 has pages of up to 1000; 200 are nearly a megabyte, of which many regions' are read at the same time."""
_NOT_FOUND: Final = frozenset({"InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed"})
_NODES_A_PAGE: Final = 50  # SSM: the largest page of DescribeInstanceInformation


def present_instances(client: EC2Client, members: Members) -> list[Instance]:
    """All of the fleet's instances that have not ended, each once, by id.

    Stopped and terminated instances do not count: their workers have ended. Of those that are shutting down or stopping
    EC2 may let the workers run on for minutes.
    """
    return _instances_in(client, members, _PRESENT)


def launched_instances(client: EC2Client, members: Members, since: datetime, now: datetime) -> list[Instance]:
    """Those of the present instances that were launched, or started again, since then; a few older ones too.

    EC2 is asked by ten minutes of the time of launch, in which its filter takes a wildcard (API reference,
    DescribeInstances: `2021-09-29T*` matches a day).
    """
    moments = range(int(since.timestamp()) // _TEN_MINUTES, int(now.timestamp()) // _TEN_MINUTES + 1)
    launched = [
        f"{datetime.fromtimestamp(one * _TEN_MINUTES, UTC).isoformat()[:_UP_TO_TEN_MINUTES]}*"
        for one in moments
    ]
    return _instances_in(client, members, _PRESENT, {"Name": "launch-time", "Values": launched})


def leaving_instances(client: EC2Client, members: Members) -> list[Instance]:
    """Those that are shutting down or stopping, and those that have ended, as long as EC2 still shows them."""
    return _instances_in(client, members, (*_LEAVING, *_ENDED))


def _instances_in(
    client: EC2Client, members: Members, states: Sequence[str], *more: FilterTypeDef
) -> list[Instance]:
    always: list[FilterTypeDef] = [{"Name": "instance-state-name", "Values": list(states)}, *more]
    if members.ids:
        always.append({"Name": "instance-id", "Values": list(members.ids)})
    found: dict[str, Instance] = {}
    for filters in _tag_filters(members.tags):
        for raw in _described(client, Filters=[*filters, *always]):
            found[raw["InstanceId"]] = _instance(raw, members)
    return [found[one] for one in sorted(found)]


def _tag_filters(tags: Mapping[str, Sequence[str]]) -> Iterator[tuple[FilterTypeDef, ...]]:
    """The filters of each call: all keys in each, with no more values than a filter may have.

    EC2 takes `*` and `?` in a value as wildcards, and a backslash as the mark of a character that is meant as it is.
    """
    parts: list[list[FilterTypeDef]] = [
        [
            {"Name": f"tag:{key}", "Values": [value.replace("\\", "\\\\") for value in some]}
            for some in batches(values, _FILTER_VALUES)
        ]
        for key, values in tags.items()
    ]
    return product(*parts)


def tag_sets(client: EC2Client, tags: Mapping[str, Sequence[str]]) -> Iterator[dict[str, str]]:
    """The tags of each present instance that has one of the values, which may have wildcards, for every key."""
    in_states: FilterTypeDef = {"Name": "instance-state-name", "Values": list(_PRESENT)}
    for filters in _tag_filters(tags):
        for raw in _described(client, Filters=[*filters, in_states]):
            yield _tags(raw)


class MissingInstances(NamedTuple):
    """What EC2 says of instances when it is asked for them by their ids.

    Attributes:
        present: those that are there.
        terminated: ids of those that have ended for good.
        stopped: ids of those that somebody may start again.
        unknown: ids of those that it does not know. It forgets an instance an hour after its end; but it may also not
            know a new one for some moments.
    """

    present: list[Instance]
    terminated: list[str]
    stopped: list[str]
    unknown: list[str]


def missing_instances(client: EC2Client, ids: Sequence[str], members: Members) -> MissingInstances:
    """Ask EC2 for instances that a list lacked: a row that is missing from one answer proves nothing.

    Raises:
        UnreadableAnswer: EC2 says nothing of one of them.
    """
    found = MissingInstances([], [], [], [])
    asked = list(ids)
    while asked:
        try:
            rows = {raw["InstanceId"]: raw for raw in _described(client, InstanceIds=asked[:_IDS_A_CALL])}
        except ClientError as error:
            unknown = _unknown_ids(error, asked)
            found.unknown.extend(unknown)
            asked = [one for one in asked if one not in unknown]
            continue
        for one in asked[:_IDS_A_CALL]:
            if one not in rows:
                raise UnreadableAnswer(f"EC2 said nothing of the instance {one} when it was asked for it")
            match rows[one]["State"]["Name"]:
                case "terminated":
                    found.terminated.append(one)
                case "stopped":
                    found.stopped.append(one)
                case _:
                    found.present.append(_instance(rows[one], members))
        asked = asked[_IDS_A_CALL:]
    return found


def _unknown_ids(error: ClientError, asked: Sequence[str]) -> list[str]:
    """Those of the ids that EC2 does not know (any more); it names them in the message. Other errors are raised."""
    unknown = [one for one in asked if one in str(error)]
    if code_of(error) not in _NOT_FOUND or not unknown:
        raise error
    return unknown


def tags_of(client: EC2Client, instance: str) -> dict[str, str]:
    """The instance's tags; none of an instance that EC2 does not know."""
    try:
        for raw in _described(client, InstanceIds=[instance]):
            return _tags(raw)
    except ClientError as error:
        if code_of(error) not in _NOT_FOUND:
            raise
    return {}


def _described(client: EC2Client, **request: Any) -> Iterator[InstanceTypeDef]:
    if "Filters" in request:
        request["PaginationConfig"] = {"PageSize": INSTANCES_A_PAGE}
    for page in client.get_paginator("describe_instances").paginate(**request):
        for reservation in page.get("Reservations", []):
            yield from reservation.get("Instances", [])


def _tags(raw: InstanceTypeDef) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in raw.get("Tags", [])}


def _instance(raw: InstanceTypeDef, members: Members) -> Instance:
    state, tags = raw["State"]["Name"], _tags(raw)
    return Instance(
        id=raw["InstanceId"],
        group=members.group_of(tags),
        launched_at=raw["LaunchTime"],
        running=state in _RUNNING,
        leaving=state in _LEAVING,
        scaling_group=tags.get(GROUP_NAME_TAG, ""),
    )


def managed_ids(client: SSMClient, ids: Iterable[str]) -> frozenset[str]:
    """Those of the ids whose agent has registered with SSM, connected at the moment or not.

    An agent whose connection is lost may come back within the run, so it is sent to all the same.
    """
    managed: set[str] = set()
    for some in batches(sorted(ids), _NODES_A_PAGE):
        managed.update(
            node["InstanceId"] for node in _nodes(client, [{"Key": "InstanceIds", "Values": list(some)}])
        )
    return frozenset(managed)


def lost_agents(client: SSMClient) -> dict[str, datetime]:
    """By instance id, when SSM last heard of each agent in the region whose connection it calls lost."""
    nodes = _nodes(client, [{"Key": "PingStatus", "Values": ["ConnectionLost"]}])
    return {node["InstanceId"]: node["LastPingDateTime"] for node in nodes if "LastPingDateTime" in node}


def _nodes(
    client: SSMClient, filters: list[InstanceInformationStringFilterTypeDef]
) -> Iterator[InstanceInformationTypeDef]:
    pages = client.get_paginator("describe_instance_information").paginate(
        Filters=filters, PaginationConfig={"PageSize": _NODES_A_PAGE}
    )
    for page in pages:
        yield from page.get("InstanceInformationList", [])
