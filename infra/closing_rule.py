"""Every run that has ended is handed to close_run.

Most have told their end themselves; close_run sees that, and tells of the others: those that somebody stopped, that
timed out, or that ended without being able to tell. That may be a confirmed one too, so that successes are handed over.
"""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct


class ClosingRule(Construct):
    """Hands every run that has ended to close_run: it tells Slack if need be, and cancels what a failed one left."""

    def __init__(
        self, scope: Construct, construct_id: str, *, machine: sfn.IStateMachine, close_run: lambda_.IFunction
    ) -> None:
        super().__init__(scope, construct_id)
        events.Rule(
            self,
            "RunEnded",
            description="A run of Snow White has ended, in whatever way",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={
                    "status": ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"],
                    "stateMachineArn": [machine.state_machine_arn],
                },
            ),
            targets=[targets.LambdaFunction(close_run, retry_attempts=10, max_event_age=Duration.hours(2))],
        )
