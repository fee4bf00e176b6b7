"""A cloud in memory with a clock of its own: the calls that the domain makes, answered as AWS answers them.

The whole path runs on the local AWS in tests/workflow; here time can be turned, networks can fail on command, and
ten thousand instances cost nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Final
from uuid import UUID
from zlib import crc32

from botocore.exceptions import ClientError, EndpointConnectionError

from snow_white.aws.run_command import Invocation
from snow_white.model.fleet import ENVIRONMENT_ID_TAG, GROUP_NAME_TAG
from tests.fake_client import FakeClient
from tests.lambdas.fake_hosts import Answer, FakeInstance

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


@dataclass
class Clock:
    now: datetime = START

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


# What the plain Status says where StatusDetails says more.
_PLAIN: Final = {
    "DeliveryTimedOut": "TimedOut",
    "ExecutionTimedOut": "TimedOut",
    "Undeliverable": "Failed",
    "Terminated": "Failed",
}


@dataclass
class FakeCommand:
    id: str
    document: str
    comment: str
    sent_at: datetime
    parameters: Mapping[str, list[str]]
    options: Mapping[str, Any]
    answers: dict[str, Answer]
    cancelled: bool = False
    _ends: list[datetime] = field(init=False)

    def __post_init__(self) -> None:
        # Commands are listed often, and have one answer for each of ten thousand instances.
        self._ends = sorted(map(self.ends_at, self.answers))

    def completed(self, now: datetime) -> int:
        """How many instances have ended it; also after it was cancelled those that had not are ended."""
        return len(self.answers) if self.cancelled else bisect_right(self._ends, now)

    def ended(self, instance: str, now: datetime) -> bool:
        return self.cancelled or now >= self.ends_at(instance)

    def ends_at(self, instance: str) -> datetime:
        return self.sent_at + timedelta(seconds=self.answers[instance].after)


@dataclass
class FakeLifecycleAction:
    """An instance in Terminating:Wait, until it is let go or its hook's time is over."""

    group: str
    hook: str
    instance: str
    began_at: datetime
    heartbeat_seconds: int
    heartbeats: list[datetime] = field(default_factory=list)
    results: list[str] = field(default_factory=list)

    def is_over(self, now: datetime) -> bool:
        last = max([self.began_at, *self.heartbeats])
        seconds = timedelta(seconds=self.heartbeat_seconds)
        return bool(self.results) or now >= min(last + seconds, self.began_at + 100 * seconds)


@dataclass
class FakeRegion(FakeClient, services=("ssm", "ec2", "elasticbeanstalk", "autoscaling")):
    """One region; `down` is raised by every call while it is set."""

    name: str
    clock: Clock
    environments: list[dict[str, str]] = field(default_factory=list)
    instances: dict[str, FakeInstance] = field(default_factory=dict)
    commands: list[FakeCommand] = field(default_factory=list)
    down: Exception | None = None
    calls: list[str] = field(default_factory=list)
    instances_read: list[int] = field(default_factory=list)  # of each list of instances, how many there were
    hidden_commands: set[str] = field(default_factory=set)  # not in the lists yet (eventual consistency)
    unlisted_instances: set[str] = field(default_factory=set)  # not in the lists, which lag
    unanswered_instances: set[str] = field(default_factory=set)  # EC2 says nothing of them when asked either
    documents: bool = True
    filters: list[dict[str, Any]] = field(default_factory=list)  # of the last list of instances
    lifecycle_actions: dict[str, FakeLifecycleAction] = field(default_factory=dict)  # by token
    auto_scaling_down: Exception | None = None
    hooks: dict[str, int | None] = field(
        default_factory=dict
    )  # by group the heartbeat timeout; None: it has no hook

    def add_environment(self, application: str, name: str, instances: int = 0) -> list[FakeInstance]:
        env_id = environment_id(self.name, name)
        self.environments.append(
            {
                "ApplicationName": application,
                "EnvironmentName": name,
                "EnvironmentId": env_id,
                "Status": "Ready",
            }
        )
        return [self.add_instance(name) for _ in range(instances)]

    def add_instance(self, environment: str = "", **changes: Any) -> FakeInstance:
        """An instance of an environment, or of none."""
        ids = (e["EnvironmentId"] for e in self.environments if e["EnvironmentName"] == environment)
        env_id = next(ids) if environment else ""
        instance = FakeInstance(instance_id(self.name, len(self.instances)), env_id, **changes)
        self.instances[instance.id] = instance
        return instance

    def called(self, name: str) -> None:
        self.calls.append(name)
        if self.down:
            raise self.down

    # --- the four clients in one: their methods do not overlap

    def describe_environments(self, **request: Any) -> dict[str, Any]:
        self.called("describe_environments")
        asked = request.get("ApplicationName")
        found = [e for e in self.environments if asked in (None, e["ApplicationName"])]
        start = int(request.get("NextToken", 0))
        page: dict[str, Any] = {"Environments": found[start : start + request["MaxRecords"]]}
        if start + request["MaxRecords"] < len(found):
            page["NextToken"] = str(start + request["MaxRecords"])
        return page

    def describe_instances(self, **request: Any) -> dict[str, Any]:
        self.called("describe_instances")
        if "InstanceIds" in request:
            unknown = [one for one in request["InstanceIds"] if one not in self.instances]
            if unknown:
                message = f"The instance IDs '{', '.join(unknown)}' do not exist"
                raise client_error("InvalidInstanceID.NotFound", message, 400)
            found = [
                self.instances[one] for one in request["InstanceIds"] if one not in self.unanswered_instances
            ]
            return {"Reservations": [{"Instances": [_described(one) for one in found]}]}
        self.filters = request["Filters"]
        filters = {one["Name"]: one["Values"] for one in request["Filters"]}
        assert all(len(values) <= 200 for values in filters.values())
        tags = {name.removeprefix("tag:"): values for name, values in filters.items() if name[:4] == "tag:"}
        assert tags, "of a filter by nothing else EC2 would list everything"
        states, ids, launched = (
            filters.get(name) for name in ("instance-state-name", "instance-id", "launch-time")
        )
        assert states
        found = [
            one
            for one in self.instances.values()
            if one.state in states
            and (ids is None or one.id in ids)
            and (launched is None or _matches(f"{one.launched_at:%Y-%m-%dT%H:%M:%S}.000Z", launched))
            and _has_tags(one, tags)
            and one.id not in self.unlisted_instances
        ]
        self.instances_read.append(len(found))
        # Each row twice: lists may repeat themselves.
        return {"Reservations": [{"Instances": [_described(one) for one in found]}] * 2}

    def describe_instance_information(self, **request: Any) -> dict[str, Any]:
        self.called("describe_instance_information")
        (asked,) = request["Filters"]
        assert len(asked["Values"]) <= 50
        if asked["Key"] == "InstanceIds":
            found = [one for one in map(self.instances.get, asked["Values"]) if one]
        else:
            assert asked["Key"] == "PingStatus"
            found = [one for one in self.instances.values() if one.ping_status in asked["Values"]]
        nodes = [_node(one, self.clock.now) for one in found if one.managed]
        return {"InstanceInformationList": nodes}

    def describe_document(self, **request: Any) -> dict[str, Any]:
        self.called("describe_document")
        if not self.documents:
            raise client_error("InvalidDocument", "The document does not exist.", 400)
        return {"Document": {"Name": request["Name"]}}

    def send_command(self, **request: Any) -> dict[str, Any]:
        self.called("send_command")
        ids = request["InstanceIds"]
        assert 0 < len(ids) <= 50
        assert len(request["Comment"]) <= 100
        for one in ids:
            instance = self.instances.get(one)
            if instance is None or not instance.managed or instance.refused or instance.state != "running":
                raise client_error("InvalidInstanceId", f"Instances not in a valid state: {one}", 400)
        command = FakeCommand(
            id=command_id(self.name, len(self.commands)),
            document=request["DocumentName"],
            comment=request["Comment"],
            sent_at=self.clock.now,
            parameters=request["Parameters"],
            options=request,
            answers={one: self._answer(self.instances[one], request) for one in ids},
        )
        self.commands.append(command)
        return {"Command": {"CommandId": command.id}}

    def _answer(self, instance: FakeInstance, request: Mapping[str, Any]) -> Answer:
        if request["Comment"].endswith(" recheck"):
            return instance.next_recheck()
        # The runs number their own commands from 1 on.
        is_question = request["Comment"].endswith(" 0")
        return instance.next_answer(request["DocumentName"], is_question=is_question)

    def list_commands(self, **request: Any) -> dict[str, Any]:
        self.called("list_commands")
        if "CommandId" in request and request["CommandId"] in self.hidden_commands:
            raise client_error("InvalidCommandId", "", 400)
        if "CommandId" in request:
            return {"Commands": [self._command(c) for c in self.commands if c.id == request["CommandId"]]}
        filters = {one["key"]: one["value"] for one in request["Filters"]}
        after = datetime.strptime(filters["InvokedAfter"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        return {
            "Commands": [
                self._command(command)
                for command in reversed(self.commands)
                if command.sent_at > after
                and command.document == filters["DocumentName"]
                and command.id not in self.hidden_commands
            ]
        }

    def list_command_invocations(self, **request: Any) -> dict[str, Any]:
        self.called("list_command_invocations")
        command = next(c for c in self.commands if c.id == request["CommandId"])
        return {"CommandInvocations": [self._invocation(command, one) for one in command.answers]}

    def cancel_command(self, **request: Any) -> dict[str, Any]:
        self.called("cancel_command")
        found = [c for c in self.commands if c.id == request["CommandId"]]
        if not found:
            raise client_error("InvalidCommandId", "", 400)
        found[0].cancelled = True
        return {}

    def describe_auto_scaling_groups(self, **request: Any) -> dict[str, Any]:
        self.called("describe_auto_scaling_groups")
        if self.auto_scaling_down:
            raise self.auto_scaling_down
        names = request["AutoScalingGroupNames"]
        assert 0 < len(names) <= 50
        return {"AutoScalingGroups": [self._group(name) for name in names]}

    def _group(self, name: str) -> dict[str, Any]:
        leaving = {action.instance for action in self.lifecycle_actions.values()}
        zone = f"{self.name}a"
        members = [
            {
                "InstanceId": one.id,
                "AvailabilityZone": zone,
                "LifecycleState": "Terminating:Wait" if one.id in leaving else "InService",
                "HealthStatus": "Healthy",
                "ProtectedFromScaleIn": False,
            }
            for one in self.instances.values()
            if one.tags.get(GROUP_NAME_TAG) == name
        ]
        return {
            "AutoScalingGroupName": name,
            "MinSize": 0,
            "MaxSize": 10,
            "DesiredCapacity": 1,
            "DefaultCooldown": 300,
            "AvailabilityZones": [zone],
            "HealthCheckType": "EC2",
            "CreatedTime": START,
            "Instances": members,
        }

    def describe_lifecycle_hooks(self, **request: Any) -> dict[str, Any]:
        self.called("describe_lifecycle_hooks")
        group, (hook,) = request["AutoScalingGroupName"], request["LifecycleHookNames"]
        if group not in self.hooks:
            raise client_error("ValidationError", f"AutoScalingGroup name not found - {group}", 400)
        seconds = self.hooks[group]
        if seconds is None:
            return {"LifecycleHooks": []}
        times = {"HeartbeatTimeout": seconds, "GlobalTimeout": min(172_800, 100 * seconds)}
        return {"LifecycleHooks": [{"AutoScalingGroupName": group, "LifecycleHookName": hook, **times}]}

    def record_lifecycle_action_heartbeat(self, **request: Any) -> dict[str, Any]:
        action = self._lifecycle_action(request)
        action.heartbeats.append(self.clock.now)
        return {}

    def complete_lifecycle_action(self, **request: Any) -> dict[str, Any]:
        action = self._lifecycle_action(request)
        action.results.append(request["LifecycleActionResult"])
        return {}

    def _lifecycle_action(self, request: Mapping[str, Any]) -> FakeLifecycleAction:
        self.called("lifecycle_action")
        if self.auto_scaling_down:
            raise self.auto_scaling_down
        token = request["LifecycleActionToken"]
        action = self.lifecycle_actions.get(token)
        if action is None or action.is_over(self.clock.now):
            message = f"No active Lifecycle Action found with token {token}"
            raise client_error("ValidationError", message, 400)
        named = (request["AutoScalingGroupName"], request["LifecycleHookName"], request["InstanceId"])
        assert named == (action.group, action.hook, action.instance)
        return action

    def _command(self, command: FakeCommand) -> dict[str, Any]:
        done = command.completed(self.clock.now)
        status = "Success" if done == len(command.answers) else "InProgress"
        return {
            "CommandId": command.id,
            "Comment": command.comment,
            "Parameters": command.options.get("Parameters", {}),
            "InstanceIds": list(command.answers),
            "RequestedDateTime": command.sent_at,
            "Status": "Cancelled" if command.cancelled else status,
            "StatusDetails": "Cancelled" if command.cancelled else status,
            "CompletedCount": done,
        }

    def _invocation(self, command: FakeCommand, instance: str) -> dict[str, Any]:
        answer = command.answers[instance]
        raw = {"CommandId": command.id, "InstanceId": instance}
        if command.cancelled:
            return raw | {"Status": "Cancelled", "StatusDetails": "Cancelled", "CommandPlugins": []}
        if not command.ended(instance, self.clock.now):
            return raw | {"Status": "InProgress", "StatusDetails": "InProgress", "CommandPlugins": []}
        plugin = {
            "Output": answer.output or "",
            "ResponseCode": answer.exit_code,
            "ResponseFinishDateTime": command.ends_at(instance),
        }
        plain = _PLAIN.get(answer.status, answer.status)
        return raw | {"Status": plain, "StatusDetails": answer.status, "CommandPlugins": [plugin]}


def instance_id(region: str, number: int) -> str:
    """The id of the instance that was the `number`th, from 0 on, to be added in a region."""
    return f"i-{crc32(region.encode()):08x}{number:09x}"


def environment_id(region: str, name: str) -> str:
    return f"e-{crc32(f'{region} {name}'.encode()):010x}"


def command_id(region: str, number: int) -> str:
    """The id of the command that was the `number`th, from 0 on, to be sent in a region."""
    return str(UUID(int=crc32(region.encode()) << 96 | number))


def _has_tags(instance: FakeInstance, asked: Mapping[str, Sequence[str]]) -> bool:
    tags = _tags(instance)
    return all(
        key in tags and (tags[key] in values or _matches(tags[key], values)) for key, values in asked.items()
    )


def _matches(value: str, patterns: Sequence[str]) -> bool:
    """As EC2 does: a backslash marks a character that is meant as it is."""
    plain = (pattern.replace("\\\\", "\\") for pattern in patterns)
    return any(fnmatchcase(value, pattern) for pattern in plain if "*" in pattern or "?" in pattern)


def _described(instance: FakeInstance) -> dict[str, Any]:
    row = _row(instance.id, instance.launched_at, instance.state, instance.environment_id)
    if not instance.tags:
        return row
    return {**row, "Tags": [{"Key": key, "Value": value} for key, value in _tags(instance).items()]}


def _tags(instance: FakeInstance) -> dict[str, str]:
    of_environment = {ENVIRONMENT_ID_TAG: instance.environment_id} if instance.environment_id else {}
    return {**of_environment, **instance.tags}


@cache  # ten thousand are described at each poll
def _row(identity: str, launched_at: datetime, state: str, environment: str) -> dict[str, Any]:
    return {
        "InstanceId": identity,
        "LaunchTime": launched_at,
        "State": {"Name": state},
        "Tags": [{"Key": ENVIRONMENT_ID_TAG, "Value": environment}],
    }


def _node(instance: FakeInstance, now: datetime) -> dict[str, Any]:
    return {
        "InstanceId": instance.id,
        "PingStatus": instance.ping_status,
        "LastPingDateTime": instance.last_ping or now,
    }


@dataclass
class FakeCloud:
    """Stands where `snow_white.aws.regions.Regions` stands."""

    names: tuple[str, ...] = ("us-east-1", "eu-west-1")
    clock: Clock = field(default_factory=Clock)
    sees_terminations: bool = False
    ended: dict[str, list[Invocation]] = field(default_factory=dict)
    regions: dict[str, FakeRegion] = field(init=False)

    def __post_init__(self) -> None:
        self.regions = {name: FakeRegion(name, self.clock) for name in self.names}

    def __getitem__(self, name: str) -> FakeRegion:
        return self.regions[name]

    def ssm(self, region: str) -> Any:
        return self.regions[region]

    def ec2(self, region: str) -> Any:
        return self.regions[region]

    def elastic_beanstalk(self, region: str) -> Any:
        return self.regions[region]

    def auto_scaling(self, region: str) -> Any:
        return self.regions[region]


def client_error(code: str, message: str, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "Operation",
    )


def network_error() -> EndpointConnectionError:
    return EndpointConnectionError(endpoint_url="https://ssm.example")
