"""A state machine may do only what its role allows."""

import contextvars
from typing import Any

from local_aws.engine.ministack import find, wrap

_role: contextvars.ContextVar[str | None] = contextvars.ContextVar("machine_role", default=None)


def install() -> None:
    """AWS makes a task's call with the machine's role, and fails the task when the role does not allow it: a function
    with Lambda.AWSLambdaException, a call of the SDK with the service's general error. MiniStack ignores the role.
    """
    from ministack.services import stepfunctions

    find(stepfunctions, "_ExecutionError")
    wrap(stepfunctions, "_run_execution", _under_the_machines_role)
    wrap(stepfunctions, "_call_lambda", _if_the_role_allows)
    wrap(stepfunctions, "_invoke_nested_start_execution", _starting_if_the_role_allows)
    wrap(stepfunctions, "_invoke_aws_sdk_integration", _calling_if_the_role_allows)


def _under_the_machines_role(run: Any) -> Any:
    from ministack.services import stepfunctions

    def run_under_role(execution_arn: str) -> None:
        execution = stepfunctions._executions.get(execution_arn)
        machine = execution and stepfunctions._state_machines.get(execution["stateMachineArn"])
        _role.set(machine["roleArn"] if machine else None)
        run(execution_arn)

    return run_under_role


def _if_the_role_allows(call: Any) -> Any:
    from ministack.services import lambda_svc

    def call_if_allowed(reference: str, event: Any) -> Any:
        _, config, _ = lambda_svc._get_func_record_for_ref(reference)
        if config:
            _demand("lambda:InvokeFunction", config["FunctionArn"], "Lambda.AWSLambdaException")
        return call(reference, event)

    return call_if_allowed


def _starting_if_the_role_allows(start: Any) -> Any:
    def start_if_allowed(resource: str, given: Any) -> Any:
        machine = given.get("StateMachineArn", "")
        _demand("states:StartExecution", machine, "StepFunctions.AWSStepFunctionsException")
        return start(resource, given)

    return start_if_allowed


def _calling_if_the_role_allows(call: Any) -> Any:
    from ministack.core.responses import get_account_id, get_region

    def call_if_allowed(resource: str, given: Any) -> Any:
        service, operation = resource.rpartition("aws-sdk:")[2].split(":")[:2]
        name = operation[:1].upper() + operation[1:]
        if (service, name) == ("codepipeline", "ListActionExecutions"):
            pipeline = f"arn:aws:codepipeline:{get_region()}:{get_account_id()}:{given.get('PipelineName')}"
            _demand(f"codepipeline:{name}", pipeline, "CodePipeline.CodePipelineException")
        elif (service, name) == ("sfn", "StopExecution"):
            _demand(f"states:{name}", given.get("ExecutionArn", ""), "Sfn.SfnException")
        return call(resource, given)

    return call_if_allowed


def _demand(action: str, resource: str, error: str) -> None:
    """Raise the error unless the role of the machine that runs here allows the action on the resource."""
    from ministack.core import iam_evaluator
    from ministack.core.responses import get_account_id, get_region
    from ministack.services import stepfunctions

    role = _role.get()
    if not role:
        return
    name, account = role.rpartition("/")[2], get_account_id()
    caller = f"arn:aws:sts::{account}:assumed-role/{name}/states"
    question = iam_evaluator.EvalContext(
        principal_arn=caller,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
    )
    answer = iam_evaluator.evaluate(question, iam_evaluator._gather_role_policies(name, account))
    if answer.decision != "Allow":
        raise stepfunctions._ExecutionError(
            error,
            f"User: {caller} is not authorized to perform: {action} on resource: {resource} because no "
            f"identity-based policy allows the {action} action",
        )
