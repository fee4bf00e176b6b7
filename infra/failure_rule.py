"""Every run that ends FAILED, TIMED_OUT or ABORTED is handed to close_run.

Most failed ones have told their end themselves; close_run sees that, and tells of the others: those that somebody
stopped, that timed out, or that failed before they could tell.
"""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct


class FailureRule(Construct):
    """Hands every run that did not succeed to close_run: it cancels commands in flight and tells Slack if need be."""

    def __init__(
        self, scope: Construct, construct_id: str, *, machine: sfn.IStateMachine, close_run: lambda_.IFunction
    ) -> None:
        super().__init__(scope, construct_id)
        events.Rule(
            self,
            "RunNotSucceeded",
            description="A run of Snow White failed, timed out or was stopped",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={
                    "status": ["FAILED", "TIMED_OUT", "ABORTED"],
                    "stateMachineArn": [machine.state_machine_arn],
                },
            ),
            targets=[targets.LambdaFunction(close_run, retry_attempts=10, max_event_age=Duration.hours(2))],
        )
