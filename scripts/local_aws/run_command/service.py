"""Systems Manager Run Command: what it accepts, what it refuses, and what it tells of commands."""

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

from local_aws.agent.agent import Agent
from local_aws.agent.document import Parameters, time_limit
from local_aws.engine.service_error import ServiceError
from local_aws.run_command.command import Command, Invocation
from local_aws.run_command.delivery import Delivery
from local_aws.run_command.documents import DocumentStore, DocumentVersion

INSTANCES_PER_COMMAND: Final = 50
_MAX_CONCURRENCY: Final = re.compile(r"([1-9][0-9]{0,6})|([1-9]|[1-9][0-9]|100)%")
_MAX_ERRORS: Final = re.compile(r"(0|[1-9][0-9]{0,6})|([0-9]|[1-9][0-9]|100)%")
_EXECUTING: Final = frozenset({"Pending", "InProgress", "Delayed", "Cancelling"})
_Item = TypeVar("_Item")


class RunCommand:
    """Run Command in all regions of the account.

    `agents` holds the agent of each managed instance by (region, instance id); `is_running` tells whether EC2 runs
    an instance; `authorize` is asked for each instance a command names and raises AccessDenied.
    """

    def __init__(
        self,
        documents: DocumentStore,
        agents: Mapping[tuple[str, str], Agent],
        is_running: Callable[[str, str], bool],
        account: str,
    ) -> None:
        self._documents = documents
        self._agents = agents
        self._is_running = is_running
        self._account = account
        self._delivery = Delivery(agents)
        self._commands: dict[str, Command] = {}

    def close(self) -> None:
        """Stop what runs."""
        self._delivery.close()

    def send(
        self,
        region: str,
        request: Mapping[str, Any],
        authorize: Callable[[str], None] = lambda _instance: None,
        waiting_factor: float = 1.0,
    ) -> dict[str, Any]:
        """SendCommand by instance ids. Raises ServiceError with the service's own names of errors."""
        instance_ids = _instance_ids(request)
        _check_limits(request)
        for instance_id in instance_ids:
            authorize(instance_id)
        version = str(request.get("DocumentVersion") or "$DEFAULT")
        document = self._documents.find(region, request["DocumentName"], version)
        given = {name: _texts(value) for name, value in (request.get("Parameters") or {}).items()}
        parameters = document.with_defaults(given)
        if refused := [each for each in instance_ids if not self._takes_commands(region, each)]:
            message = f"Instances [[{', '.join(refused)}]] not in a valid state for account {self._account}"
            raise ServiceError("InvalidInstanceId", message)
        command = Command(
            region=region,
            document=document,
            document_version=version,
            parameters=parameters,
            given_parameters=given,
            comment=request.get("Comment") or "",
            delivery_seconds=int(request.get("TimeoutSeconds") or 3600),
            execution_seconds=_execution_seconds(document, parameters),
            max_concurrency=str(request.get("MaxConcurrency") or "50"),
            max_errors=str(request.get("MaxErrors") or "0"),
            invocations=[Invocation(each) for each in instance_ids],
            waiting_factor=waiting_factor,
        )
        answer = {"Command": command.shown()}
        self._commands[command.command_id] = command
        self._delivery.send(command)
        return answer

    def _takes_commands(self, region: str, instance_id: str) -> bool:
        agent = self._agents.get((region, instance_id))
        return agent is not None and agent.ping_status is not None and self._is_running(region, instance_id)

    def list_commands(self, region: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """ListCommands: by CommandId, InstanceId and Filters; newest first, in pages."""
        chosen = [
            command
            for command in self._in_region(region, request.get("CommandId"))
            if _matches(command, command, request.get("Filters"))
            and (
                not request.get("InstanceId")
                or any(each.instance_id == request["InstanceId"] for each in command.invocations)
            )
        ]
        page, token = _page(chosen, request, lambda command: command.sequence)
        return {"Commands": [command.shown() for command in page], **token}

    def list_invocations(self, region: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """ListCommandInvocations: by CommandId, InstanceId and Filters; newest first, in pages."""
        chosen = [
            (command, invocation)
            for command in self._in_region(region, request.get("CommandId"))
            for invocation in command.invocations
            if request.get("InstanceId") in (None, "", invocation.instance_id)
            and _matches(command, invocation, request.get("Filters"))
        ]
        page, token = _page(chosen, request, lambda pair: pair[1].sequence)
        details = bool(request.get("Details"))
        shown = [command.shown_invocation(invocation, details) for command, invocation in page]
        return {"CommandInvocations": shown, **token}

    def get_invocation(self, region: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """GetCommandInvocation of a document with one step."""
        for command in self._in_region(region, request.get("CommandId") or "none"):
            for invocation in command.invocations:
                if invocation.instance_id == request.get("InstanceId"):
                    if len(command.document.content["mainSteps"]) > 1 and not request.get("PluginName"):
                        raise ServiceError("InvalidPluginName", "The document has several steps: name one.")
                    return command.described_invocation(invocation)
        message = f"No invocation of {request.get('CommandId')} on {request.get('InstanceId')}."
        raise ServiceError("InvocationDoesNotExist", message)

    def cancel(self, region: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """CancelCommand, on all of its instances or on those named. Harmless once it has ended."""
        command = self._commands.get(request.get("CommandId") or "")
        if command is None or command.region != region:
            raise ServiceError("InvalidCommandId", f"There is no command {request.get('CommandId')}.")
        known = {each.instance_id for each in command.invocations}
        named = set(request.get("InstanceIds") or known)
        if not named <= known:
            raise ServiceError("InvalidInstanceId", f"Not in the command: {', '.join(sorted(named - known))}")
        if not command.ended:
            self._delivery.cancel(command, named)
        return {}

    def instance_information(self, region: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """DescribeInstanceInformation: the managed ones, whether their agent answers or was lost."""
        wanted: set[str] | None = None
        for each in [*(request.get("Filters") or []), *(request.get("InstanceInformationFilterList") or [])]:
            key, values = each.get("Key") or each.get("key"), each.get("Values") or each.get("valueSet") or []
            if key not in ("InstanceIds", "PingStatus"):
                raise ServiceError(
                    "InvalidInstanceInformationFilterValue", f"The filter {key} is not served here."
                )
            matching = {
                instance_id
                for where, instance_id in list(self._agents)
                if where == region
                and (instance_id if key == "InstanceIds" else self._ping(region, instance_id)) in values
            }
            wanted = matching if wanted is None else wanted & matching
        managed = sorted(
            instance_id
            for where, instance_id in list(self._agents)
            if where == region
            and (wanted is None or instance_id in wanted)
            and self._takes_commands(where, instance_id)
        )
        numbered = list(enumerate(managed))
        page, token = _page(numbered, request, lambda pair: -pair[0], default=10, smallest=5)
        return {"InstanceInformationList": [self._information(region, each) for _, each in page], **token}

    def _ping(self, region: str, instance_id: str) -> str | None:
        agent = self._agents.get((region, instance_id))
        return agent.ping_status if agent else None

    def _information(self, region: str, instance_id: str) -> dict[str, Any]:
        return {
            "InstanceId": instance_id,
            "PingStatus": self._ping(region, instance_id) or "Inactive",
            "AgentVersion": "3.3.2299.0",
            "IsLatestVersion": True,
            "PlatformType": "Linux",
            "PlatformName": "Amazon Linux",
            "PlatformVersion": "2023",
            "ResourceType": "EC2Instance",
        }

    def _in_region(self, region: str, command_id: str | None) -> list[Command]:
        """The commands of a region, newest first."""
        of_region = [each for each in list(self._commands.values()) if each.region == region]
        return [each for each in reversed(of_region) if command_id in (None, "", each.command_id)]


def _instance_ids(request: Mapping[str, Any]) -> list[str]:
    ids = [str(each) for each in request.get("InstanceIds") or []]
    for target in request.get("Targets") or []:
        if target.get("Key") != "InstanceIds":
            raise ServiceError("InvalidTarget", "Only targets of the key InstanceIds are served here.")
        ids += target.get("Values") or []
    if not ids:
        raise ServiceError("ValidationException", "Specify instance ids or targets, and at least one.")
    if len(ids) > INSTANCES_PER_COMMAND:
        raise _violation(
            "instanceIds", f"Member must have length less than or equal to {INSTANCES_PER_COMMAND}"
        )
    if len(set(ids)) < len(ids):
        raise ServiceError("DuplicateInstanceId", "An instance id is there more than once.")
    return ids


def _check_limits(request: Mapping[str, Any]) -> None:
    if len(request.get("Comment") or "") > 100:
        raise _violation("comment", "Member must have length less than or equal to 100")
    if not 30 <= int(request.get("TimeoutSeconds") or 3600) <= 2592000:
        raise _violation("timeoutSeconds", "Member must have value between 30 and 2592000")
    if not _MAX_CONCURRENCY.fullmatch(str(request.get("MaxConcurrency") or "50")):
        raise _violation("maxConcurrency", "Member must satisfy regular expression pattern")
    if not _MAX_ERRORS.fullmatch(str(request.get("MaxErrors") or "0")):
        raise _violation("maxErrors", "Member must satisfy regular expression pattern")


def _violation(member: str, constraint: str) -> ServiceError:
    message = f"1 validation error detected: Value at '{member}' failed to satisfy constraint: {constraint}"
    return ServiceError("ValidationException", message)


def _texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(each) for each in value]


def _execution_seconds(document: DocumentVersion, parameters: Mapping[str, list[str] | str]) -> int:
    """How long the document's steps may run together."""
    given = Parameters(parameters)
    return sum(
        time_limit(given.into((step.get("inputs") or {}).get("timeoutSeconds")))
        for step in document.content["mainSteps"]
    )


def _matches(
    command: Command, item: Command | Invocation, filters: Iterable[Mapping[str, str]] | None
) -> bool:
    for each in filters or []:
        key, value = each["key"], each["value"]
        if key in ("InvokedAfter", "InvokedBefore"):
            moment = datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()
            kept = command.requested_at > moment if key == "InvokedAfter" else command.requested_at < moment
        elif key == "Status":
            kept = item.status == value
        elif key == "ExecutionStage":
            kept = (item.status in _EXECUTING) == (value == "Executing")
        elif key == "DocumentName":
            kept = command.document.name == value
        else:
            raise ServiceError("InvalidFilterKey", f"There is no filter {key}.")
        if not kept:
            return False
    return True


def _page(
    items: Iterable[_Item],
    request: Mapping[str, Any],
    sequence: Callable[[_Item], int],
    default: int = 50,
    smallest: int = 1,
) -> tuple[list[_Item], dict[str, str]]:
    """The page that `request` asks for of items with falling sequence numbers, and the next one's token.

    A token holds the last number shown, so that items which arrive in between shift nothing.
    """
    size = int(request.get("MaxResults") or default)
    if not smallest <= size <= 50:
        raise _violation("maxResults", f"Member must have value between {smallest} and 50")
    rest = sorted(items, key=sequence, reverse=True)
    if token := request.get("NextToken"):
        try:
            shown = int(base64.b64decode(token).decode())
        except ValueError as error:
            raise ServiceError("InvalidNextToken", "The specified token is not valid.") from error
        rest = [each for each in rest if sequence(each) < shown]
    page = rest[:size]
    if len(rest) <= size:
        return page, {}
    return page, {"NextToken": base64.b64encode(str(sequence(page[-1])).encode()).decode()}
