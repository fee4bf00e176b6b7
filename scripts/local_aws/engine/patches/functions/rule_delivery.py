"""An event rule invokes a function only if the function's policy allows it, and again when the function raises."""

import contextvars
import json
import logging
from typing import Any

from local_aws.engine.ministack import find, wrap

_rule_arn: contextvars.ContextVar[str] = contextvars.ContextVar("rule_arn", default="")
_RETRY_SECONDS = 60
_logger = logging.getLogger(__name__)


def install() -> None:
    """AWS delivers an event only to a function whose resource policy allows events.amazonaws.com, for the rule's ARN
    if the policy names one. It invokes the function asynchronously: one that raises is invoked twice more, after one
    and two minutes. MiniStack invokes every function, and once.
    """
    from ministack.services import eventbridge

    wrap(eventbridge, "_invoke_target", _remembering_rule)
    wrap(eventbridge, "_dispatch_to_lambda", _if_the_function_allows)


def _remembering_rule(invoke: Any) -> Any:
    def invoke_for_rule(target: Any, event: Any, rule: dict[str, Any], view: Any = None) -> None:
        token = _rule_arn.set(rule.get("Arn", ""))
        try:
            invoke(target, event, rule, view)
        finally:
            _rule_arn.reset(token)

    return invoke_for_rule


def _if_the_function_allows(dispatch: Any) -> Any:
    from ministack.core import iam_evaluator
    from ministack.core.responses import get_account_id, get_region
    from ministack.services import lambda_svc, stepfunctions

    policy_of = find(lambda_svc, "function_policy_for_arn")
    invoke = find(lambda_svc, "invoke_async_with_retry")
    find(lambda_svc, "_LAMBDA_ASYNC_RETRY_BASE_SECONDS")
    find(lambda_svc, "_LAMBDA_ASYNC_RETRY_MAX_SECONDS")

    def dispatch_if_allowed(arn: str, payload: str) -> None:
        function, config, _ = lambda_svc._get_func_record_for_ref(arn)
        if not config:
            dispatch(arn, payload)
            return
        policy, _ = policy_of(arn) or (None, None)
        question = iam_evaluator.EvalContext(
            principal_arn="",
            principal_type="Service",
            principal_account=get_account_id(),
            action="lambda:InvokeFunction",
            resource_arn=arn,
            region=get_region(),
            service_context={"aws:sourcearn": _rule_arn.get(), "aws:sourceaccount": get_account_id()},
        )
        answer = iam_evaluator.evaluate_resource_policy(policy, question, service="events.amazonaws.com")
        if answer.decision == "Allow":
            first_delay = _RETRY_SECONDS * stepfunctions._SFN_WAIT_SCALE
            lambda_svc._LAMBDA_ASYNC_RETRY_BASE_SECONDS = first_delay
            lambda_svc._LAMBDA_ASYNC_RETRY_MAX_SECONDS = 2 * first_delay
            invoke(lambda_svc._execution_record_for_config(function, config), json.loads(payload))
        else:
            _logger.warning("The policy of %s does not allow the rule %s to invoke it.", arn, _rule_arn.get())

    return dispatch_if_allowed
