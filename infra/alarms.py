"""Alarms for runs that did not end well; an aborted run is somebody's decision and alarms nobody."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct


class Alarms(Construct):
    """One alarm for failed runs and one for runs that met the machine's time limit.

    They count what Step Functions counts, so that they go off even when no function works. `topic_arn` is an SNS
    topic that is told; without one they are shown in CloudWatch only.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, machine: sfn.IStateMachine, topic_arn: str
    ) -> None:
        super().__init__(scope, construct_id)
        period = Duration.minutes(5)
        failed = self._build_alarm(
            "RunFailed",
            machine.metric_failed(statistic="Sum", period=period),
            "A run of Snow White failed: not every worker is confirmed. Its execution says which and why.",
        )
        timed_out = self._build_alarm(
            "RunTimedOut",
            machine.metric_timed_out(statistic="Sum", period=period),
            "A run of Snow White met the state machine's time limit and confirmed nothing.",
        )
        if topic_arn:
            tell = actions.SnsAction(sns.Topic.from_topic_arn(self, "Topic", topic_arn))
            failed.add_alarm_action(tell)
            timed_out.add_alarm_action(tell)

    def _build_alarm(
        self, construct_id: str, metric: cloudwatch.IMetric, description: str
    ) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            construct_id,
            metric=metric,
            alarm_description=description,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            threshold=1,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
