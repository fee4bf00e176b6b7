"""The EventBridge rule that calls close_run when a run has ended.

Most runs have reported their own end. close_run reports the others: runs that were stopped or timed out, and runs that
could not report. A confirmed run may be one of these, so the rule also matches SUCCEEDED.
"""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct


class RunEndedRule(Construct):
    """Calls close_run at every end of a run. It notifies Slack if the run did not, and cancels leftover commands."""

    def __init__(
        self, scope: Construct, construct_id: str, *, machine: sfn.IStateMachine, close_run: lambda_.IFunction
    ) -> None:
        super().__init__(scope, construct_id)
        events.Rule(
            self,
            "RunEnded",
            description="Calls close_run when a run of Snow White has ended, whatever its status",
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
