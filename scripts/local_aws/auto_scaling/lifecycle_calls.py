"""Auto Scaling's calls about lifecycle hooks, and about what they wait for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from xml.sax.saxutils import escape

from local_aws.auto_scaling.groups import TERMINATING, Hook
from local_aws.auto_scaling.lifecycle import Lifecycle, global_timeout
from local_aws.engine.ministack import MissingTarget, Response, find
from local_aws.engine.service_error import ServiceError

_TRANSITIONS: Final = ("autoscaling:EC2_INSTANCE_LAUNCHING", TERMINATING)
_RESULTS: Final = ("CONTINUE", "ABANDON")
_SHORTEST_TIMEOUT, _LONGEST_TIMEOUT = 30, 7200
_HOOKS_AT_MOST: Final = 50
Parameters = Mapping[str, Any]


class LifecycleCalls:
    """What MiniStack answers without an effect, or not as AWS does. Its store of hooks stays in use.

    A hook for instances that are launched is kept, and has no effect. No notification target is told.
    """

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle

    def install(self) -> None:
        """Answer these calls in place of MiniStack; MissingTarget if it has them no more."""
        from ministack.services import autoscaling

        for needed in ("_hooks", "_asgs", "_hook_record", "_parse_member_list"):
            find(autoscaling, needed)
        actions = find(autoscaling, "_ACTION_MAP")
        calls: dict[str, Callable[[Parameters], str]] = {
            "PutLifecycleHook": self._put_hook,
            "DescribeLifecycleHooks": self._describe_hooks,
            "DeleteLifecycleHook": self._delete_hook,
            "CompleteLifecycleAction": self._complete,
            "RecordLifecycleActionHeartbeat": self._heartbeat,
        }
        for name, call in calls.items():
            if name not in actions:
                raise MissingTarget(f"MiniStack's Auto Scaling has no {name}: it is not the pinned version.")
            actions[name] = _answering(name, call)

    def _put_hook(self, parameters: Parameters) -> str:
        from ministack.services import autoscaling

        group, name = _existing_group(parameters), _required(parameters, "LifecycleHookName")
        key = f"{group}/{name}"
        before = autoscaling._hooks.get(key)
        if before is None and len(_hooks(group)) >= _HOOKS_AT_MOST:
            raise ServiceError(
                "LimitExceeded", f"You have reached the limit of {_HOOKS_AT_MOST} lifecycle hooks."
            )
        fields = {
            field: parameters[field]
            for field in (
                "LifecycleTransition",
                "HeartbeatTimeout",
                "DefaultResult",
                "NotificationTargetARN",
                "RoleARN",
                "NotificationMetadata",
            )
            if parameters.get(field)
        }
        hook = {**(before or {}), **fields}
        _check(hook)
        autoscaling._hooks[key] = autoscaling._hook_record(group, name, hook)
        return ""

    def _describe_hooks(self, parameters: Parameters) -> str:
        from ministack.services import autoscaling

        group = _existing_group(parameters)
        names = autoscaling._parse_member_list(parameters, "LifecycleHookNames")
        chosen = [hook for hook in _hooks(group) if not names or hook["LifecycleHookName"] in names]
        return f"<LifecycleHooks>{''.join(map(_described, chosen))}</LifecycleHooks>"

    def _delete_hook(self, parameters: Parameters) -> str:
        from ministack.services import autoscaling

        group, name = _existing_group(parameters), _required(parameters, "LifecycleHookName")
        if autoscaling._hooks.pop(f"{group}/{name}", None) is None:
            raise _invalid("No Lifecycle Hook found")
        return ""  # what still waits for it sees that it is gone

    def _complete(self, parameters: Parameters) -> str:
        result = _required(parameters, "LifecycleActionResult")
        if result not in _RESULTS:
            raise _invalid(f"LifecycleActionResult must be one of {', '.join(_RESULTS)}")
        self._lifecycle.complete(*_named_action(parameters), result)
        return ""

    def _heartbeat(self, parameters: Parameters) -> str:
        self._lifecycle.heartbeat(*_named_action(parameters))
        return ""


def _answering(name: str, call: Callable[[Parameters], str]) -> Callable[[Parameters], Response]:
    from ministack.services import autoscaling

    xml, error_xml = find(autoscaling, "_xml"), find(autoscaling, "_error")

    def answer(parameters: Parameters) -> Response:
        answered: Response
        try:
            answered = xml(200, f"{name}Response", f"<{name}Result>{call(parameters)}</{name}Result>")
        except ServiceError as error:
            answered = error_xml(error.code, escape(error.message))
        return answered

    return answer


def _named_action(parameters: Parameters) -> tuple[str, str, str, str, str]:
    """Region, group, hook, token and instance id; of the last two one may be ""."""
    from ministack.core.responses import get_region

    token, instance_id = parameters.get("LifecycleActionToken", ""), parameters.get("InstanceId", "")
    if not token and not instance_id:
        raise _invalid("Either a LifecycleActionToken or an InstanceId must be specified")
    hook = _required(parameters, "LifecycleHookName")
    return get_region(), _existing_group(parameters), hook, token, instance_id


def _hooks(group: str) -> list[Hook]:
    from ministack.services import autoscaling

    return [hook for hook in autoscaling._hooks.values() if hook["AutoScalingGroupName"] == group]


def _check(hook: Hook) -> None:
    if hook.get("LifecycleTransition") not in _TRANSITIONS:
        raise _invalid(f"LifecycleTransition must be one of {', '.join(_TRANSITIONS)}")
    if hook.get("DefaultResult", "ABANDON") not in _RESULTS:
        raise _invalid(f"DefaultResult must be one of {', '.join(_RESULTS)}")
    if not _SHORTEST_TIMEOUT <= int(hook.get("HeartbeatTimeout", _LONGEST_TIMEOUT)) <= _LONGEST_TIMEOUT:
        raise _invalid(f"HeartbeatTimeout must be between {_SHORTEST_TIMEOUT} and {_LONGEST_TIMEOUT} seconds")


def _described(hook: Hook) -> str:
    shown = {key: value for key, value in hook.items() if value != ""}
    shown["GlobalTimeout"] = global_timeout(hook["HeartbeatTimeout"])
    return (
        f"<member>{''.join(f'<{key}>{escape(str(value))}</{key}>' for key, value in shown.items())}</member>"
    )


def _existing_group(parameters: Parameters) -> str:
    from ministack.services import autoscaling

    name = _required(parameters, "AutoScalingGroupName")
    if name not in autoscaling._asgs:
        raise _invalid(f"AutoScalingGroup name not found - AutoScalingGroup {name} not found")
    return name


def _required(parameters: Parameters, name: str) -> str:
    value = parameters.get(name, "")
    if not value:
        field = name[0].lower() + name[1:]
        raise _invalid(
            "1 validation error detected: "
            f"Value null at '{field}' failed to satisfy constraint: Member must not be null"
        )
    return str(value)


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationError", message)
