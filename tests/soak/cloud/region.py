"""One region: its environments and instances, and its services' answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import lru_cache
from random import Random
from typing import Any, Final, TypeVar

from snow_white.model.fleet import ENVIRONMENT_ID_TAG, GROUP_NAME_TAG
from tests.soak.cloud.clock import START
from tests.soak.cloud.encoding import Call, ServiceError, listed
from tests.soak.cloud.faults import lag_of
from tests.soak.cloud.instance import Instance
from tests.soak.cloud.run_command import ACTIONS, Command, RunCommand
from tests.soak.cloud.timeline import Timeline

T = TypeVar("T")
Json = dict[str, Any]
_FORGOTTEN_AFTER: Final = 3600  # seconds until EC2 does not know a terminated instance any more
ROLE_TAG: Final = "Role"


@dataclass
class Environment:
    """Of Elastic Beanstalk; it is listed from `made_at` on."""

    application: str
    name: str
    id: str
    made_at: float = START


@dataclass
class Region:
    """A region of the cloud; `shown` has for each instance when an answer last had it, as running or not."""

    name: str
    timeline: Timeline
    random: Random
    environments: list[Environment] = field(default_factory=list)
    instances: dict[str, Instance] = field(default_factory=dict)
    run_command: RunCommand = field(init=False)
    shown: dict[str, float] = field(default_factory=dict)
    described_at: float | None = None
    _tagged: dict[tuple[str, tuple[tuple[str, Sequence[str]], ...]], bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.run_command = RunCommand(self.timeline, self.random, self.name, self.instances)

    def answer(self, call: Call, kinds: set[str]) -> Json:
        ask: Callable[[Call, set[str]], Json] = getattr(self, _ANSWERS[call.operation])
        return self._mixed(call, kinds, ask) if "mixed" in kinds else ask(call, kinds)

    def _mixed(self, call: Call, kinds: set[str], ask: Callable[[Call, set[str]], Json]) -> Json:
        """A list with its rows as they are, and as they were some time ago; in any order."""
        given = kinds - {"mixed"}
        new = ask(call, given)
        try:
            old = ask(call, given | {"stale"})
        except ServiceError:
            return new
        (key,) = [one for one, value in new.items() if isinstance(value, list)]
        both = [*new[key], *old[key]]
        self.random.shuffle(both)
        return {**new, key: both}

    def _describe_environments(self, call: Call, kinds: set[str]) -> Json:
        form = call.parameters
        at = self.timeline.now - lag_of(kinds)
        found = [
            {
                "EnvironmentName": one.name,
                "EnvironmentId": one.id,
                "ApplicationName": one.application,
                "Status": "Ready",
                "Health": "Green",
            }
            for one in self.environments
            if form.get("ApplicationName") in (None, one.application) and one.made_at <= at
        ]
        page, token = self._page(found, form.get("NextToken"), int(form.get("MaxRecords", 1000)), kinds)
        return {"Environments": page, **({"NextToken": token} if token else {})}

    def _describe_instances(self, call: Call, kinds: set[str]) -> Json:
        form, filters, now = call.parameters, call.filters, self.timeline.now
        at = now - lag_of(kinds)
        ids = listed(form, "InstanceId")
        if ids:
            found = [self._known(one, at) for one in ids]
        else:
            states, launched = filters["instance-state-name"], filters.get("launch-time", ())
            found = [
                one
                for one in self.instances.values()
                if self._has_tags(one.environment, call.tags)
                and one.state.at(at) in states
                and (not launched or _launched(one.launched.at(at) or 0.0, launched))
            ]
        page, token = self._page(found, form.get("NextToken"), int(form.get("MaxResults", 1000)), kinds)
        self.shown.update({one.id: now for one in page})
        self.described_at = now
        rows = [self._instance(one, at) for one in page]
        reservations = [{"ReservationId": f"r-{index}", "Instances": [row]} for index, row in enumerate(rows)]
        return {"Reservations": reservations, **({"NextToken": token} if token else {})}

    def _has_tags(self, environment: str, asked: tuple[tuple[str, Sequence[str]], ...]) -> bool:
        """Whether its instances have for each key one of the values."""
        if (environment, asked) not in self._tagged:
            tags = self._tags(environment)
            self._tagged[environment, asked] = all(
                key in tags and any(fnmatchcase(tags[key], one) for one in some) for key, some in asked
            )
        return self._tagged[environment, asked]

    def _tags(self, environment: str) -> dict[str, str]:
        """Of its instances, which are in its Auto Scaling group; here that has the environment's name."""
        name = next((one.name for one in self.environments if one.id == environment), "")
        return {
            ENVIRONMENT_ID_TAG: environment,
            GROUP_NAME_TAG: name,
            ROLE_TAG: "worker" if "workers" in name else "web",
        }

    def _known(self, instance_id: str, at: float) -> Instance:
        instance = self.instances.get(instance_id)
        state = instance.state.at(at) if instance else None
        gone = state == "terminated" and instance and instance.state.at(at - _FORGOTTEN_AFTER) == "terminated"
        if instance is None or state is None or gone:
            message = f"The instance ID '{instance_id}' does not exist"
            raise ServiceError("InvalidInstanceID.NotFound", message)
        return instance

    def _instance(self, one: Instance, at: float) -> Json:
        return {
            "InstanceId": one.id,
            "InstanceType": "t3.small",
            "LaunchTime": one.launched.at(at),
            "State": {"Code": 16, "Name": one.state.at(at)},
            "Tags": [{"Key": key, "Value": value} for key, value in self._tags(one.environment).items()],
        }

    def _describe_instance_information(self, call: Call, kinds: set[str]) -> Json:
        at = self.timeline.now - lag_of(kinds)
        wanted = {one["Key"]: one["Values"] for one in call.parameters.get("Filters", [])}
        asked = wanted.get("InstanceIds")
        found = []
        for one in self._known_ones(asked) if asked else self.instances.values():
            row = {"InstanceId": one.id, "PingStatus": one.ping_status(at), "PlatformType": "Linux"}
            managed = one.agent.at(at) is not None and one.state.at(at) not in ("terminated", None)
            if managed and row["PingStatus"] in wanted.get("PingStatus", [row["PingStatus"]]):
                found.append({**row, "LastPingDateTime": one.last_ping(at)})
        return self._json_page("InstanceInformationList", found, call, kinds)

    def _known_ones(self, ids: Iterable[str]) -> list[Instance]:
        return [self.instances[one] for one in dict.fromkeys(ids) if one in self.instances]

    def _describe_document(self, call: Call, _kinds: set[str]) -> Json:
        if call.parameters["Name"] not in ACTIONS:
            raise ServiceError("InvalidDocument", "Document with that name does not exist.")
        return {"Document": {"Name": call.parameters["Name"], "DocumentVersion": "1", "Status": "Active"}}

    def _send_command(self, call: Call, _kinds: set[str]) -> Json:
        command = self.run_command.send(call.parameters)
        return {"Command": self._command(command, self.timeline.now)}

    def _list_commands(self, call: Call, kinds: set[str]) -> Json:
        at, lag = self.timeline.now, lag_of(kinds)
        if "CommandId" in call.parameters:
            shown = [self.run_command.find(call.parameters["CommandId"], at, lag)]
        else:
            wanted = {one["key"]: one["value"] for one in call.parameters["Filters"]}
            after = _moment(wanted["InvokedAfter"])
            shown = [
                (one, of)
                for one, of in self.run_command.listed(at, lag)
                if one.sent_at > after and one.document == wanted.get("DocumentName", one.document)
            ]
        return self._json_page("Commands", [self._command(*one) for one in shown], call, kinds)

    def _list_command_invocations(self, call: Call, kinds: set[str]) -> Json:
        at, lag = self.timeline.now, lag_of(kinds)
        command, of = self.run_command.find(call.parameters["CommandId"], at, lag)
        wanted = call.parameters.get("InstanceId")
        rows = []
        for id_, one in command.invocations.items():
            seen = of - one.lag
            if command.sent_at > seen or wanted not in (None, id_):
                continue
            ended = one.ended_at is not None and one.ended_at <= seen
            status = one.status if ended else "InProgress" if (one.taken_at or seen) < seen else "Pending"
            rows.append(
                {
                    "CommandId": command.id,
                    "InstanceId": id_,
                    "DocumentName": command.document,
                    "RequestedDateTime": command.sent_at,
                    "Status": _PLAIN.get(status, status),
                    "StatusDetails": status,
                    "CommandPlugins": [
                        {
                            "Name": "quietSidekiqWorkers",
                            "Status": _PLAIN.get(status, status),
                            "StatusDetails": status,
                            **(
                                {
                                    "ResponseCode": one.exit_code,
                                    "ResponseFinishDateTime": one.ended_at,
                                    "Output": one.output,
                                }
                                if ended
                                else {"ResponseCode": -1, "Output": ""}
                            ),
                        }
                    ],
                }
            )
        return self._json_page("CommandInvocations", rows, call, kinds)

    def _cancel_command(self, call: Call, _kinds: set[str]) -> Json:
        self.run_command.cancel(call.parameters["CommandId"])
        return {}

    def _command(self, command: Command, of: float) -> Json:
        ended = [
            one for one in command.invocations.values() if one.ended_at is not None and one.ended_at <= of
        ]
        if len(ended) < len(command.invocations):
            status = "InProgress"
        else:
            status = next((one.status for one in ended if one.status != "Success"), "Success")
        return {
            "CommandId": command.id,
            "DocumentName": command.document,
            "Comment": command.comment,
            "InstanceIds": list(command.invocations),
            "RequestedDateTime": command.sent_at,
            "Status": _PLAIN.get(status, status),
            "StatusDetails": status,
            "TargetCount": len(command.invocations),
            "CompletedCount": len(ended),
        }

    def _json_page(self, key: str, rows: list[Json], call: Call, kinds: set[str]) -> Json:
        size = call.parameters.get("MaxResults", 50)
        page, token = self._page(rows, call.parameters.get("NextToken"), size, kinds)
        return {key: page, **({"NextToken": token} if token else {})}

    def _page(
        self, rows: list[T], token: str | None, size: int, kinds: set[str]
    ) -> tuple[list[T], str | None]:
        """One page of a list, with the rows that its faults leave."""
        size = min(size, 2) if kinds & {"small-pages", "expired-pages"} else size
        if token and "expired-pages" in kinds:
            raise ServiceError("InvalidNextToken", "The specified token is not valid.")
        first = int(token or 0)
        page, more = rows[first : first + size], first + size < len(rows)
        if "empty" in kinds:
            return [], None
        if "partial" in kinds:
            page = [row for row in page if self.random.random() < 0.5]
        if "doubled" in kinds:
            page = [*page, *page]
        return page, str(first + size) if more else None


_ANSWERS: Final = {
    "DescribeEnvironments": "_describe_environments",
    "DescribeInstances": "_describe_instances",
    "DescribeInstanceInformation": "_describe_instance_information",
    "DescribeDocument": "_describe_document",
    "SendCommand": "_send_command",
    "ListCommands": "_list_commands",
    "ListCommandInvocations": "_list_command_invocations",
    "CancelCommand": "_cancel_command",
}
_PLAIN: Final = {"DeliveryTimedOut": "TimedOut", "ExecutionTimedOut": "TimedOut"}


@lru_cache(4_000)
def _launched(at: float, patterns: Sequence[str]) -> bool:
    """Whether the moment is meant by one of the patterns."""
    moment = f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}.000Z"
    return any(fnmatchcase(moment, pattern) for pattern in patterns)


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
