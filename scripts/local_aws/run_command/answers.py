"""Commands and invocations in the shapes of Run Command's answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from local_aws.agent.result import StepResult, service_details, shortened_output
from local_aws.run_command.command import (
    COUNTED_AS_COMPLETED,
    Command,
    Invocation,
    InvocationState,
    coarse_status,
)

_STDOUT_CHARACTERS: Final = 24_000
_STDERR_CHARACTERS: Final = 8_000
_NO_NOTIFICATIONS: Final = {
    "ServiceRole": "",
    "NotificationConfig": {"NotificationArn": "", "NotificationEvents": [], "NotificationType": ""},
    "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": False},
}


def command_answer(command: Command) -> dict[str, Any]:
    """The Command of SendCommand and ListCommands."""
    with command.lock:
        details = [each.status_details for each in command.invocations]
        return {
            "CommandId": command.command_id,
            "DocumentName": command.document.name,
            "DocumentVersion": command.document_version,
            "Comment": command.comment,
            "ExpiresAfter": command.expires_at,
            "Parameters": command.given_parameters,
            "InstanceIds": [each.instance_id for each in command.invocations],
            "Targets": [],
            "RequestedDateTime": command.requested_at,
            "Status": command.status,
            "StatusDetails": command.status_details,
            "OutputS3Region": command.region,
            "OutputS3BucketName": "",
            "OutputS3KeyPrefix": "",
            "MaxConcurrency": command.max_concurrency,
            "MaxErrors": command.max_errors,
            "TargetCount": len(command.invocations),
            "CompletedCount": sum(each in COUNTED_AS_COMPLETED for each in details),
            "ErrorCount": command.errors,
            "DeliveryTimedOutCount": details.count("DeliveryTimedOut"),
            "TimeoutSeconds": command.delivery_seconds,
            **_NO_NOTIFICATIONS,
        }


def listed_invocation(
    command: Command, invocation: Invocation, state: InvocationState, details: bool
) -> dict[str, Any]:
    """The CommandInvocation of ListCommandInvocations in this state, with its plugins if `details`."""
    with command.lock:
        steps = command.step_names if details else []
        return {
            "CommandId": command.command_id,
            "InstanceId": invocation.instance_id,
            "InstanceName": "",
            "Comment": command.comment,
            "DocumentName": command.document.name,
            "DocumentVersion": command.document_version,
            "RequestedDateTime": command.requested_at,
            "Status": state.status,
            "StatusDetails": state.status_details,
            "StandardOutputUrl": "",
            "StandardErrorUrl": "",
            "CommandPlugins": [_plugin(state, step) for step in steps],
            **_NO_NOTIFICATIONS,
        }


def single_invocation(command: Command, invocation: Invocation) -> dict[str, Any]:
    """The answer of GetCommandInvocation, whose outputs are longer and whose times are texts."""
    with command.lock:
        state = invocation.state
        result = state.result
        return {
            "CommandId": command.command_id,
            "InstanceId": invocation.instance_id,
            "Comment": command.comment,
            "DocumentName": command.document.name,
            "DocumentVersion": command.document_version,
            "PluginName": command.step_names[0],
            "ResponseCode": result.response_code if result else -1,
            "ExecutionStartDateTime": _text(result.started_at) if result else "",
            "ExecutionEndDateTime": _text(result.ended_at) if result else "",
            "Status": state.status,
            "StatusDetails": state.status_details,
            "StandardOutputContent": result.stdout[:_STDOUT_CHARACTERS] if result else "",
            "StandardOutputUrl": "",
            "StandardErrorContent": result.stderr[:_STDERR_CHARACTERS] if result else "",
            "StandardErrorUrl": "",
        }


def _plugin(state: InvocationState, step: str) -> dict[str, Any]:
    """The CommandPlugin of a step of the document; it has its result only once the whole document has ended."""
    plugin: dict[str, Any] = {
        "Name": step,
        "Status": state.status,
        "StatusDetails": state.status_details,
        "ResponseCode": -1,
        "Output": "",
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "OutputS3Region": "",
        "OutputS3BucketName": "",
        "OutputS3KeyPrefix": "",
    }
    if state.started_at is not None:
        plugin["ResponseStartDateTime"] = state.started_at
    for result in state.result.steps if state.result else ():
        if result.name in (step, ""):
            plugin |= _plugin_result(result)
    return plugin


def _plugin_result(result: StepResult) -> dict[str, Any]:
    details = service_details(result)
    return {
        "Status": coarse_status(details),
        "StatusDetails": details,
        "ResponseCode": result.response_code,
        "Output": shortened_output(result.stdout, result.stderr),
        "ResponseStartDateTime": result.started_at.timestamp(),
        "ResponseFinishDateTime": result.ended_at.timestamp(),
    }


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
