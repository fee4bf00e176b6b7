"""CloudTrail records who started which execution."""

import contextvars
import json
from typing import Any

from local_aws.engine.ministack import find, wrap

_started: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar("started", default=None)


def install() -> None:
    """AWS records the caller's type, ARN and user name or session issuer, and for StartExecution the execution's
    ARN in the response elements. MiniStack records a made-up user named like the access key, and no response elements.
    """
    from ministack.services import cloudtrail, stepfunctions

    find(cloudtrail, "_get_event_queue")
    wrap(cloudtrail, "record_event", _with_identity)
    wrap(stepfunctions, "_start_execution", _recording_answer)


def _recording_answer(start: Any) -> Any:
    def start_and_record(request: dict[str, Any]) -> Any:
        answer = start(request)
        _started.set(json.loads(answer[2]) if answer[0] == 200 else None)
        return answer

    return start_and_record


def _with_identity(record: Any) -> Any:
    from ministack.core import iam_evaluator
    from ministack.core.responses import get_account_id
    from ministack.services import cloudtrail

    def record_with_identity(**call: Any) -> None:
        record(**call)
        queue = cloudtrail._get_event_queue()
        credential = iam_evaluator.resolve_credential(call["access_key_id"], get_account_id())
        if not queue or isinstance(credential, iam_evaluator.CredentialResolutionError):
            return
        entry = queue[-1]
        event = json.loads(entry["CloudTrailEvent"])
        event["userIdentity"] = _identity(credential)
        if call["event_name"] == "StartExecution":
            event["responseElements"] = _started.get()
        entry["Username"] = credential.principal_name or credential.principal_arn.rpartition("/")[2]
        entry["CloudTrailEvent"] = json.dumps(event)

    return record_with_identity


def _identity(credential: Any) -> dict[str, Any]:
    identity = {
        "type": {"User": "IAMUser"}.get(credential.principal_type, credential.principal_type),
        "principalId": credential.principal_id,
        "arn": credential.principal_arn,
        "accountId": credential.account_id,
        "accessKeyId": credential.access_key_id,
    }
    if credential.principal_type == "User":
        identity["userName"] = credential.principal_name
    if credential.principal_type == "AssumedRole":
        role = credential.principal_arn.split("/")[1]
        issuer = f"arn:aws:iam::{credential.account_id}:role/{role}"
        identity["sessionContext"] = {"sessionIssuer": {"type": "Role", "arn": issuer, "userName": role}}
    return identity
