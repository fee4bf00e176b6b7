"""A rule sends events to a bus, and starts a state machine, only with a role that may do it."""

import logging
from typing import Any, Final

from local_aws.engine.iam_check import role_may
from local_aws.engine.ministack import wrap

_SERVICE: Final = "events.amazonaws.com"
_ACTIONS: Final = {"events": "events:PutEvents", "states": "states:StartExecution"}
_logger = logging.getLogger(__name__)


def install() -> None:
    """AWS uses the role of the target, which must trust EventBridge for the rule's ARN if its policy names one. A bus
    in the rule's own region needs no role, a state machine does. MiniStack ignores the role.
    """
    from ministack.services import eventbridge

    wrap(eventbridge, "_invoke_target", _if_the_role_allows)


def _if_the_role_allows(invoke: Any) -> Any:
    from ministack.core.responses import get_region

    def invoke_if_allowed(target: Any, event: Any, rule: Any, *more: Any, **named: Any) -> None:
        service, region = target.get("Arn", "::::").split(":")[2:4]
        action, role = _ACTIONS.get(service), target.get("RoleArn", "")
        is_rule = ":rule/" in rule.get("Arn", "")  # EventBridge Scheduler's targets have a patch of their own
        needs_none = service == "events" and not role and region == get_region()
        if action and is_rule and not needs_none and not _may(role, action, target["Arn"], rule["Arn"]):
            _logger.warning("The role %r of %s does not allow %s.", role, rule["Arn"], action)
            return
        invoke(target, event, rule, *more, **named)

    return invoke_if_allowed


def _may(role: str, action: str, target: str, rule: str) -> bool:
    return bool(role) and role_may(role, action, target, service=_SERVICE, source_arn=rule)
