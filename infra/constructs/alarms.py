"""Alarms for failed and timed-out runs, and for wakes that could not be started.

An aborted run was stopped on purpose and raises none.
"""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct


class Alarms(Construct):
    """One alarm for failed runs, one for runs that reached the state machine's time limit, one for schedules, and
    one for workers that still sleep.

    The first three use the metrics of AWS's services, so they work even when every function fails. `topic_arn` is the
    SNS topic to notify; if it is empty, the alarms only show in CloudWatch.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        machine: sfn.IStateMachine,
        schedule_group: str,
        topic_arn: str,
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
        # EventBridge Scheduler has given up after a day of retries (UserGuide/monitoring-cloudwatch.html).
        not_started = self._build_alarm(
            "NotStarted",
            cloudwatch.Metric(
                namespace="AWS/Scheduler",
                metric_name="InvocationDroppedCount",
                dimensions_map={"ScheduleGroup": schedule_group},
                statistic="Sum",
                period=period,
            ),
            "A run that Snow White has scheduled could not be started, so workers may sleep until somebody wakes them.",
        )
        sleeping = self._build_alarm(
            "Sleeping",
            cloudwatch.Metric(
                namespace="SnowWhite",
                metric_name="Sleeping",
                dimensions_map={"service": "snow-white"},
                statistic="Maximum",
                period=period,
            ),
            "Workers that a run of Snow White has put to sleep still sleep. The run's thread in Slack says how to wake "
            "them.",
        )
        self._action = (
            actions.SnsAction(sns.Topic.from_topic_arn(self, "Topic", topic_arn)) if topic_arn else None
        )
        for alarm in (failed, timed_out, not_started, sleeping):
            self.notify(alarm)

    def notify(self, alarm: cloudwatch.Alarm) -> None:
        """Let the alarm notify the topic, if there is one."""
        if self._action:
            alarm.add_alarm_action(self._action)

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
