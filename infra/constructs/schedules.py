"""The group of the schedules that wake workers later, and the role with which a schedule starts a run."""

from __future__ import annotations

from typing import Final

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

GROUP: Final = "SnowWhite"


class Schedules(Construct):
    """One-time schedules, which the functions make and EventBridge Scheduler deletes after use.

    The role may start this state machine and nothing else, and only schedules of this group may use it
    (docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html).
    """

    def __init__(self, scope: Construct, construct_id: str, *, machine_arn: str) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        scheduler.CfnScheduleGroup(self, "Group", name=GROUP)
        self.group = GROUP
        group_arn = stack.format_arn(service="scheduler", resource="schedule-group", resource_name=GROUP)
        self.schedule_arns = stack.format_arn(
            service="scheduler", resource="schedule", resource_name=f"{GROUP}/*"
        )
        role = iam.Role(
            self,
            "Role",
            description="Lets the schedules of Snow White start runs",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": stack.account, "aws:SourceArn": group_arn}},
            ),
            inline_policies={
                "Start": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(actions=["states:StartExecution"], resources=[machine_arn])
                    ]
                )
            },
        )
        self.role_arn = role.role_arn
