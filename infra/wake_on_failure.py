"""Wakes the workers after a pipeline's execution that has quieted them and then failed, was stopped or was canceled.

CodePipeline runs no action after a failed one, so the wake action of such an execution never runs. The event of its
end starts a small state machine, which looks whether the workers were quieted in this execution, and then starts
Snow White. Nothing is started for an execution that ended before its quiet action, or after its wake action.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.checks import acknowledge, acknowledge_wildcard

# SUCCEEDED and SUPERSEDED need no wake: in the one it has run, and the other ended before the stage was entered.
ENDED_WITHOUT_WAKE: Final = ("FAILED", "STOPPED", "CANCELED")
_EVENT: Final = "$states.context.Execution.Input"
_EXECUTION_ID: Final = f"{_EVENT}.detail.`execution-id`"
# A run that was not confirmed, or is stopped here, still ends its commands on the hosts, which hold off a wake.
_SETTLE_SECONDS: Final = 30
_RETRY: Final = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "MaxAttempts": 6, "BackoffRate": 2}
_ALREADY_STARTED: Final = "StepFunctions.ExecutionAlreadyExistsException"


class WakeOnFailure(Construct):
    """The rule and the state machine for one pipeline.

    Attributes:
        rule: matches the ends of the pipeline's executions that have no wake action.
        looks_whether_to_wake: the state machine that the rule starts.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        pipeline: str,
        snow_white: sfn.IStateMachine,
        wake_input: Mapping[str, Any],
        wake_prefix: str,
        quieting_prefixes: Sequence[str],
        quieting_actions: Sequence[str],
        waking_action: str,
    ) -> None:
        super().__init__(scope, construct_id)
        definition = _definition(
            pipeline=pipeline,
            snow_white=snow_white.state_machine_arn,
            wake_input=wake_input,
            wake_prefix=wake_prefix,
            quieting_actions=quieting_actions,
            waking_action=waking_action,
        )
        self.looks_whether_to_wake = sfn.StateMachine(
            self,
            "LookWhetherToWake",
            definition_body=sfn.DefinitionBody.from_string(Stack.of(self).to_json_string(definition)),
            timeout=Duration.hours(1),
            comment=f"Wakes the workers after an execution of {pipeline} that ended while they were quiet",
        )
        self._grant(pipeline, snow_white.state_machine_arn, quieting_prefixes)
        for check in ("AwsSolutions-SF1", "AwsSolutions-SF2"):
            acknowledge(
                self.looks_whether_to_wake,
                check,
                "Its history shows its few steps, and Snow White logs the run.",
            )
        self.rule = events.Rule(
            self,
            "PipelineEnded",
            description=f"Wakes the workers if {pipeline} ends while they are quiet",
            event_pattern=events.EventPattern(
                source=["aws.codepipeline"],
                detail_type=["CodePipeline Pipeline Execution State Change"],
                detail={"pipeline": [pipeline], "state": list(ENDED_WITHOUT_WAKE)},
            ),
            targets=[targets.SfnStateMachine(self.looks_whether_to_wake)],
        )

    def _grant(self, pipeline: str, snow_white: str, quieting_prefixes: Sequence[str]) -> None:
        runs = snow_white.replace(":stateMachine:", ":execution:")
        stoppable = [f"{runs}:{prefix}*" for prefix in quieting_prefixes]
        pipeline_arn = Stack.of(self).format_arn(service="codepipeline", resource=pipeline)
        for action, resources in (
            ("codepipeline:ListActionExecutions", [pipeline_arn]),
            ("states:StartExecution", [snow_white]),
            ("states:StopExecution", stoppable),
        ):
            self.looks_whether_to_wake.add_to_role_policy(
                iam.PolicyStatement(actions=[action], resources=resources)
            )
        for resource in stoppable:
            acknowledge_wildcard(
                self.looks_whether_to_wake, resource, "A run gets its name when it is started."
            )


def _definition(
    *,
    pipeline: str,
    snow_white: str,
    wake_input: Mapping[str, Any],
    wake_prefix: str,
    quieting_actions: Sequence[str],
    waking_action: str,
) -> dict[str, Any]:
    names = json.dumps([*quieting_actions, waking_action])
    rows = f"[$states.result.ActionExecutionDetails[ActionName in {names}]]"
    latest = f"$sort({rows}, function($a, $b) {{ $a.StartTime < $b.StartTime }})[0]"
    return {
        "QueryLanguage": "JSONata",
        "StartAt": "ListActions",
        "States": {
            "ListActions": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:codepipeline:listActionExecutions",
                "Arguments": {
                    "PipelineName": pipeline,
                    "Filter": {"PipelineExecutionId": f"{{% {_EXECUTION_ID} %}}"},
                    "MaxResults": 100,
                },
                "Retry": [_RETRY],
                "Output": {
                    "action": f"{{% {_text(f'{latest}.ActionName')} %}}",
                    "status": f"{{% {_text(f'{latest}.Status')} %}}",
                    "run": f"{{% {_text(f'{latest}.Output.ExecutionResult.ExternalExecutionId')} %}}",
                    "more": "{% $exists($states.result.NextToken) %}",
                },
                "Next": "MayTheySleep",
            },
            "MayTheySleep": {
                "Type": "Choice",
                "Choices": [
                    {
                        "Condition": "{% $states.input.status in ['InProgress', 'Abandoned'] "
                        f"and $states.input.action != '{waking_action}' "
                        "and $contains($states.input.run, ':execution:') %}",
                        "Next": "StopQuieting",
                    },
                    {
                        "Condition": f"{{% $states.input.action = '{waking_action}' "
                        "and $states.input.status = 'Succeeded' %}",
                        "Next": "NothingToWake",
                    },
                    # If the list goes on, the action may be on its next page. Waking those who are awake is harmless.
                    {
                        "Condition": "{% $states.input.action != '' or $states.input.more %}",
                        "Next": "LetCommandsEnd",
                    },
                ],
                "Default": "NothingToWake",
            },
            "StopQuieting": {
                "Type": "Task",
                "Comment": "An action that was abandoned goes on, and Snow White never wakes during a quiet.",
                "Resource": "arn:aws:states:::aws-sdk:sfn:stopExecution",
                "Arguments": {
                    "ExecutionArn": "{% $states.input.run %}",
                    "Error": "PipelineEnded",
                    "Cause": f"{{% 'The pipeline {pipeline} has ended: ' & {_EVENT}.detail.state %}}",
                },
                "Retry": [{**_RETRY, "MaxAttempts": 2}],
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "LetCommandsEnd"}],
                "Next": "LetCommandsEnd",
            },
            "LetCommandsEnd": {"Type": "Wait", "Seconds": _SETTLE_SECONDS, "Next": "Wake"},
            "Wake": {
                "Type": "Task",
                "Resource": "arn:aws:states:::states:startExecution",
                "Arguments": {
                    "StateMachineArn": snow_white,
                    # EventBridge may deliver an event twice.
                    "Name": f"{{% '{wake_prefix}-' & {_EVENT}.id %}}",
                    "Input": {
                        **wake_input,
                        "requested_by": f"{{% 'pipeline {pipeline} (execution ' & {_EXECUTION_ID} & ')' %}}",
                    },
                },
                "Retry": [{"ErrorEquals": [_ALREADY_STARTED], "MaxAttempts": 0}, _RETRY],
                "Catch": [{"ErrorEquals": [_ALREADY_STARTED], "Next": "WakeWasStarted"}],
                "Next": "WakeWasStarted",
            },
            "WakeWasStarted": {"Type": "Succeed"},
            "NothingToWake": {"Type": "Succeed"},
        },
    }


def _text(expression: str) -> str:
    """The value, or '' if there is none, which Step Functions takes for an error."""
    return f"$exists({expression}) ? {expression} : ''"
