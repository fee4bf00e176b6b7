"""Run Command: sending, listing and cancelling commands."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from local_aws.agent.document import Parameters, time_limit
from local_aws.engine.service_error import ServiceError
from local_aws.run_command.answers import command_answer, listed_invocation, single_invocation
from local_aws.run_command.command import Command, Invocation
from local_aws.run_command.delivery import Delivery
from local_aws.run_command.documents import DocumentStore, DocumentVersion
from local_aws.run_command.listing import Consistency, matches, page_of
from local_aws.run_command.managed_instances import ManagedInstances
from local_aws.run_command.request_checks import (
    DEFAULT_DELIVERY_SECONDS,
    DEFAULT_MAX_CONCURRENCY,
    DEFAULT_MAX_ERRORS,
    check_limits,
    instance_ids,
)


class RunCommand:
    """Run Command in all regions of the account.

    `clock` gives the seconds since the epoch by which commands are delivered and time out. `consistency` says how far
    its lists are behind.
    """

    def __init__(
        self,
        documents: DocumentStore,
        instances: ManagedInstances,
        account: str,
        clock: Callable[[], float] = time.time,
        consistency: Consistency | None = None,
    ) -> None:
        self._documents = documents
        self._instances = instances
        self._account = account
        self._clock = clock
        self._delivery = Delivery(instances.agents, clock)
        self._commands: dict[str, Command] = {}
        self._refusals: dict[str, list[str]] = defaultdict(list)
        self.consistency = consistency or Consistency()

    def close(self) -> None:
        """Stop the commands that run."""
        self._delivery.close()

    def send(
        self,
        region: str,
        request: Mapping[str, Any],
        authorize: Callable[[str], None] = lambda _instance: None,
        wait_scale: float = 1.0,
    ) -> dict[str, Any]:
        """SendCommand by instance ids. Raises ServiceError with the service's own names of errors.

        `authorize` is called for each instance that the command names and raises AccessDenied. `wait_scale`
        multiplies the time that an agent has to pick it up.
        """
        ids = instance_ids(request)
        check_limits(request)
        for instance_id in ids:
            authorize(instance_id)
        command = self._new_command(region, request, ids, wait_scale)
        if refused := [each for each in ids if not self._instances.is_managed(region, each)]:
            message = f"Instances [[{', '.join(refused)}]] not in a valid state for account {self._account}"
            raise ServiceError("InvalidInstanceId", message)
        answer = {"Command": command_answer(command)}  # as it is before the delivery begins
        self._commands[command.command_id] = command
        if self._refusals[region]:
            self._refuse(command, self._refusals[region].pop(0))
        else:
            self._delivery.send(command)
        return answer

    def refuse_next(self, region: str, status_details: str, commands: int = 1) -> None:
        """The next commands are accepted, and end with this StatusDetails (RateExceeded, LimitExceeded) everywhere."""
        self._refusals[region] += [status_details] * commands

    def clear_refusals(self) -> None:
        """The next commands are sent."""
        self._refusals.clear()

    def _refuse(self, command: Command, status_details: str) -> None:
        with command.lock:
            command.refusal = status_details
            for invocation in command.invocations:
                invocation.become(status_details, self._clock())

    def _new_command(
        self, region: str, request: Mapping[str, Any], ids: list[str], wait_scale: float
    ) -> Command:
        version = str(request.get("DocumentVersion") or "$DEFAULT")
        document = self._documents.find(region, request["DocumentName"], version)
        given = {name: _texts(value) for name, value in (request.get("Parameters") or {}).items()}
        parameters = document.with_defaults(given)
        return Command(
            region=region,
            document=document,
            document_version=version,
            parameters=parameters,
            given_parameters=given,
            comment=request.get("Comment") or "",
            delivery_seconds=int(request.get("TimeoutSeconds") or DEFAULT_DELIVERY_SECONDS),
            execution_seconds=_execution_seconds(document, parameters),
            max_concurrency=str(request.get("MaxConcurrency") or DEFAULT_MAX_CONCURRENCY),
            max_errors=str(request.get("MaxErrors") or DEFAULT_MAX_ERRORS),
            invocations=[Invocation(each) for each in ids],
            requested_at=self._clock(),
            wait_scale=wait_scale,
        )

    def list_commands(self, region: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """ListCommands: by CommandId, InstanceId and Filters; newest first, in pages."""
        chosen = [
            command
            for command in self._in_region(region, request.get("CommandId"))
            if matches(command, command.status, request.get("Filters"))
            and (
                not request.get("InstanceId")
                or any(each.instance_id == request["InstanceId"] for each in command.invocations)
            )
        ]
        page, token = page_of(
            chosen,
            request,
            lambda command: command.sequence,
            repeats_rows=self.consistency.repeats(self._clock()),
        )
        return {"Commands": [command_answer(command) for command in page], **token}

    def list_invocations(self, region: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """ListCommandInvocations: by CommandId, InstanceId and Filters; newest first, in pages."""
        moment = self.consistency.moment(self._clock())
        chosen = [
            (command, invocation, state)
            for command in self._in_region(region, request.get("CommandId"))
            for invocation in command.invocations
            if request.get("InstanceId") in (None, "", invocation.instance_id)
            and matches(command, (state := invocation.state_at(moment)).status, request.get("Filters"))
        ]
        page, token = page_of(
            chosen,
            request,
            lambda row: row[1].sequence,
            repeats_rows=self.consistency.repeats(self._clock()),
        )
        details = bool(request.get("Details"))
        shown = [listed_invocation(*row, details) for row in page]
        return {"CommandInvocations": shown, **token}

    def get_invocation(self, region: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """GetCommandInvocation of a document with one step."""
        for command in self._in_region(region, request.get("CommandId") or "none"):
            for invocation in command.invocations:
                if invocation.instance_id == request.get("InstanceId"):
                    if len(command.step_names) > 1 and not request.get("PluginName"):
                        raise ServiceError("InvalidPluginName", "The document has several steps: name one.")
                    return single_invocation(command, invocation)
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

    def _in_region(self, region: str, command_id: str | None) -> list[Command]:
        """The commands of a region that the lists show already, newest first."""
        moment = self.consistency.moment(self._clock())
        of_region = [
            each
            for each in list(self._commands.values())
            if each.region == region and each.requested_at <= moment
        ]
        return [each for each in reversed(of_region) if command_id in (None, "", each.command_id)]


def _texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(each) for each in value]


def _execution_seconds(document: DocumentVersion, parameters: Mapping[str, list[str] | str]) -> int:
    """How long the document's steps may run together."""
    given = Parameters(parameters)
    return sum(
        time_limit(given.into((step.get("inputs") or {}).get("timeoutSeconds")))
        for step in document.content["mainSteps"]
    )
