"""EventBridge Scheduler asks IAM: for the schedule's group, for passing the role, and whether the role may start it."""

import json
import logging
from typing import Any

from local_aws.engine.iam_check import role_may
from local_aws.engine.ministack import find, wrap

_SERVICE = "scheduler.amazonaws.com"
_logger = logging.getLogger(__name__)


def install() -> None:
    """On AWS a schedule's ARN has its group, whoever makes a schedule needs iam:PassRole for its role, and the target
    is invoked with that role, which must trust the service for the schedule's group. MiniStack takes every schedule for
    one of the group "default", and checks no role.
    """
    from ministack.core import iam_actions
    from ministack.services import eventbridge, scheduler

    wrap(iam_actions, "extract_resource_arn", _with_the_group)
    wrap(scheduler, "handle_request", _if_the_caller_may_pass_the_role)
    wrap(eventbridge, "_invoke_target", _if_the_role_allows)


def _with_the_group(extract: Any) -> Any:
    def extract_with_group(
        service: str, method: str, path: str, headers: Any, body: bytes, query: Any, region: str, account: str
    ) -> str:
        arn = str(extract(service, method, path, headers, body, query, region, account))
        if service != "scheduler" or ":schedule/default/" not in arn:
            return arn
        group = query.get("groupName") or _json(body).get("GroupName") or "default"
        name = group[0] if isinstance(group, list) else group
        return arn.replace(":schedule/default/", f":schedule/{name}/")

    return extract_with_group


def _if_the_caller_may_pass_the_role(handle: Any) -> Any:
    from ministack.core import iam_evaluator
    from ministack.core.responses import get_region
    from ministack.core.router import extract_access_key_id
    from ministack.services import scheduler

    enforce, error = find(iam_evaluator, "enforce"), find(scheduler, "_error")

    async def handle_if_passable(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        role = _json(body).get("Target", {}).get("RoleArn")
        if role and method in ("POST", "PUT"):
            denied = enforce(
                extract_access_key_id(headers),
                "iam:PassRole",
                "iam",
                get_region(),
                resource_arn=role,
                service_context={"iam:passedtoservice": _SERVICE},
            )
            if denied:
                return error(403, "AccessDeniedException", f"No policy allows iam:PassRole on {role}")
        return await handle(method, path, headers, body, query)

    return handle_if_passable


def _if_the_role_allows(invoke: Any) -> Any:
    def invoke_if_allowed(target: Any, event: Any, rule: Any, *more: Any, **named: Any) -> None:
        if event.get("Source") == "aws.scheduler" and not _may_start(target, rule):
            _logger.warning("The role of the schedule %s does not allow it.", rule.get("Arn"))
            return
        invoke(target, event, rule, *more, **named)

    return invoke_if_allowed


def _may_start(target: Any, schedule: Any) -> bool:
    group = schedule["Arn"].replace(":schedule/", ":schedule-group/").rpartition("/")[0]
    return role_may(
        target["RoleArn"], "states:StartExecution", target["Arn"], service=_SERVICE, source_arn=group
    )


def _json(body: bytes) -> dict[str, Any]:
    try:
        read = json.loads(body or b"{}")
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
