"""The events that an instance is about to end, from every worker region to a function that starts a run for it.

They exist only if the setting `drain_on_termination` names something. Facts from AWS's documentation
(docs.aws.amazon.com/eventbridge/latest/userguide):
    A rule can send events to a bus in another region of the same account with a role; they keep their source, region
    and id (eb-cross-region.html).
    A pattern's wildcard has `*` only, and no two of them in a row (eb-create-pattern-operators.html).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra.access.permissions import Permissions
from infra.access.roles import Grant, build_role
from infra.constructs.functions import Functions
from infra.settings import Settings
from snow_white.model.termination import HOOK_PREFIX, Notice

BEANSTALK_GROUPS: Final = "awseb-"
"""How the names of Elastic Beanstalk's Auto Scaling groups begin; they do not tell the environment."""


class ForwardedTerminations(Construct):
    """In a worker region other than the home region: sends the events to the home region's default bus."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, home_bus_arn: str) -> None:
        super().__init__(scope, construct_id)
        role = build_role(
            self,
            "Role",
            service="events.amazonaws.com",
            grants=[Grant(("events:PutEvents",), (home_bus_arn,))],
        )
        bus = events.EventBus.from_event_bus_arn(self, "HomeBus", home_bus_arn)
        build_rules(self, settings, targets.EventBus(bus, role=role))


class Terminations(Construct):
    """In the home region: a function that starts the runs, called for the events of all worker regions.

    `alarm` is for runs that could not be started.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        functions: Functions,
        permissions: Permissions,
        machine_arn: str,
    ) -> None:
        super().__init__(scope, construct_id)
        patterns = settings.drain_on_termination
        function = functions.build_function(
            "drain_instance",
            permissions.for_terminations(),
            environment={
                "STATE_MACHINE_ARN": machine_arn,
                "DRAIN_ENVIRONMENTS": ",".join(patterns.get("environments", ())),
                "DRAIN_GROUPS": ",".join(patterns.get("auto_scaling_groups", ())),
            },
        )
        target = targets.LambdaFunction(function, retry_attempts=10, max_event_age=Duration.hours(1))
        build_rules(self, settings, target)
        self.alarm = cloudwatch.Alarm(
            self,
            "NotDrained",
            # Lambda has given up after its retries (lambda/latest/dg/monitoring-metrics-types.html).
            metric=function.metric("AsyncEventsDropped", statistic="Sum", period=Duration.minutes(5)),
            alarm_description=(
                "Snow White could not begin to drain an instance that is about to end, so jobs on it may be cut off."
            ),
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            threshold=1,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )


def drained_groups(settings: Settings) -> tuple[str, ...]:
    """Globs for the names of the groups whose instances may be drained."""
    patterns = settings.drain_on_termination
    of_environments = (f"{BEANSTALK_GROUPS}*",) if patterns.get("environments") else ()
    return (*of_environments, *patterns.get("auto_scaling_groups", ()))


def build_rules(scope: Construct, settings: Settings, target: events.IRuleTarget) -> None:
    """A rule for lifecycle actions, and one for Spot Instances, whose events name nothing but the instance."""
    region = list(settings.regions)
    events.Rule(
        scope,
        "LifecycleActions",
        description="Instances that Auto Scaling is about to terminate, and that wait for Snow White",
        event_pattern=events.EventPattern(
            source=["aws.autoscaling"],
            detail_type=[Notice.LIFECYCLE_ACTION.detail_type],
            region=region,
            detail={
                "LifecycleTransition": ["autoscaling:EC2_INSTANCE_TERMINATING"],
                "LifecycleHookName": [{"prefix": HOOK_PREFIX}],
                "AutoScalingGroupName": _group_names(settings),
            },
        ),
        targets=[target],
    )
    events.Rule(
        scope,
        "SpotNotices",
        description="Spot Instances that EC2 is about to interrupt, or recommends to replace",
        event_pattern=events.EventPattern(
            source=["aws.ec2"],
            detail_type=[Notice.SPOT_INTERRUPTION.detail_type, Notice.REBALANCE_RECOMMENDATION.detail_type],
            region=region,
        ),
        targets=[target],
    )


def _group_names(settings: Settings) -> Sequence[Any]:
    """The matchers for the names of the groups; the function looks more closely."""
    return [_matcher(glob) for glob in drained_groups(settings)]


def _matcher(glob: str) -> str | dict[str, str]:
    wildcard = re.sub(r"[*?]+", "*", glob)
    return {"wildcard": wildcard} if "*" in wildcard else wildcard
