"""Alarms for failed and timed-out runs. An aborted run was stopped on purpose and raises none."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct


class Alarms(Construct):
    """One alarm for failed runs and one for runs that reached the state machine's time limit.

    They use the metrics of Step Functions itself, so they work even when every function fails. `topic_arn` is the SNS
    topic to notify; if it is empty, the alarms only show in CloudWatch.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, machine: sfn.IStateMachine, topic_arn: str
    ) -> None:
        super().__init__(scope, construct_id)
        period = Duration.minutes(5)
        failed = self._build_alarm(
            "RunFailed",
            machine.metric_failed(statistic="Sum", period=period),
            "A run of Snow White failed: not every worker is confirmed. The execution lists which and why.",
        )
        timed_out = self._build_alarm(
            "RunTimedOut",
            machine.metric_timed_out(statistic="Sum", period=period),
            "A run of Snow White reached the state machine's time limit. It confirmed nothing.",
        )
        if topic_arn:
            notify = actions.SnsAction(sns.Topic.from_topic_arn(self, "Topic", topic_arn))
            failed.add_alarm_action(notify)
            timed_out.add_alarm_action(notify)

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
