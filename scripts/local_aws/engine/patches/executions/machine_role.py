"""A state machine may do only what its role allows."""

import contextvars
from typing import Any

from local_aws.engine.ministack import find, wrap

_role: contextvars.ContextVar[str | None] = contextvars.ContextVar("machine_role", default=None)


def install() -> None:
    """AWS invokes a task's function with the machine's role, and fails the task with Lambda.AWSLambdaException when the
    role does not allow it. MiniStack ignores the role.
    """
    from ministack.services import stepfunctions

    find(stepfunctions, "_ExecutionError")
    wrap(stepfunctions, "_run_execution", _under_the_machines_role)
    wrap(stepfunctions, "_call_lambda", _if_the_role_allows)


def _under_the_machines_role(run: Any) -> Any:
    from ministack.services import stepfunctions

    def run_under_role(execution_arn: str) -> None:
        execution = stepfunctions._executions.get(execution_arn)
        machine = execution and stepfunctions._state_machines.get(execution["stateMachineArn"])
        _role.set(machine["roleArn"] if machine else None)
        run(execution_arn)

    return run_under_role


def _if_the_role_allows(call: Any) -> Any:
    from ministack.core import iam_evaluator
    from ministack.core.responses import get_account_id, get_region
    from ministack.services import lambda_svc, stepfunctions

    def call_if_allowed(reference: str, event: Any) -> Any:
        role = _role.get()
        _, config, _ = lambda_svc._get_func_record_for_ref(reference)
        if role and config:
            name, account = role.rpartition("/")[2], get_account_id()
            caller = f"arn:aws:sts::{account}:assumed-role/{name}/states"
            question = iam_evaluator.EvalContext(
                principal_arn=caller,
                principal_type="AssumedRole",
                principal_account=account,
                action="lambda:InvokeFunction",
                resource_arn=config["FunctionArn"],
                region=get_region(),
            )
            answer = iam_evaluator.evaluate(question, iam_evaluator._gather_role_policies(name, account))
            if answer.decision != "Allow":
                raise stepfunctions._ExecutionError(
                    "Lambda.AWSLambdaException",
                    f"User: {caller} is not authorized to perform: lambda:InvokeFunction on resource: "
                    f"{config['FunctionArn']} because no identity-based policy allows the lambda:InvokeFunction action",
                )
        return call(reference, event)

    return call_if_allowed
