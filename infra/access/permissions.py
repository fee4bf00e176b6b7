"""What each function may do: one list of grants per function.

Calls that IAM cannot limit to a resource are limited to the worker regions instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from infra.access.roles import NO_RESOURCE_IN_IAM, Grant
from snow_white.model.action import Action
from snow_white.model.fleet import ENVIRONMENT_NAME_TAG, GROUP_NAME_TAG

SEE_TERMINATIONS: Final = "autoscaling:DescribeAutoScalingGroups"
_DESCRIBE_ENVIRONMENTS: Final = "elasticbeanstalk:DescribeEnvironments"
_DESCRIBE_INSTANCES: Final = ("ec2:DescribeInstances", "ssm:DescribeInstanceInformation")
_READ_COMMANDS: Final = ("ssm:ListCommands", "ssm:ListCommandInvocations")


@dataclass(frozen=True)
class Permissions:
    """Builds the grants of one deployment from its account, regions, Slack secret and state machine."""

    account: str
    partition: str
    regions: tuple[str, ...]
    """The worker regions; or a token of CDK for them, if they are known at the launch only."""
    secret_arn: str
    machine_arn: str
    """ARN of the state machine."""
    execution_arns: str
    """ARN with a wildcard that matches the executions of the state machine and nothing else."""
    event_bus_arn: str = ""
    """The event bus that gets an event when a run ends."""
    arn_regions: tuple[str, ...] = ()
    """The regions in ARNs: ("*",) if the worker regions are known at the launch only; empty for the worker regions."""
    idempotency_table_arn: str = ""
    """The table that remembers what was told."""
    worker_groups: tuple[str, ...] = ()
    worker_tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Those of the settings."""
    drained_groups: tuple[str, ...] = ()
    """Globs for the names of the Auto Scaling groups whose instances are drained before they end."""
    schedule_arns: str = ""
    """ARN with a wildcard that matches the schedules of Snow White and nothing else."""
    schedule_role_arn: str = ""
    """The role that schedules start runs with."""

    def by_function(self) -> Mapping[str, list[Grant]]:
        """The grants of each function, by the name of its file in lambdas/."""
        return {
            "discover_instances": [
                self._in_worker_regions(_DESCRIBE_ENVIRONMENTS, *_DESCRIBE_INSTANCES),
                self._on_documents("ssm:DescribeDocument"),
                *self._see_other_runs(),
            ],
            "dispatch_command": [
                self._in_worker_regions(_DESCRIBE_ENVIRONMENTS, *_DESCRIBE_INSTANCES, *_READ_COMMANDS),
                # It completes the plan when a region has not answered at the start.
                self._on_documents("ssm:DescribeDocument", "ssm:SendCommand"),
                *self._see_other_runs(),
                *self._send_to_workers(),
                *self._schedule_runs(),
                *self._see_terminations(),
            ],
            "poll_command": [
                self._in_worker_regions(
                    _DESCRIBE_ENVIRONMENTS, *_DESCRIBE_INSTANCES, *_READ_COMMANDS, "ssm:CancelCommand"
                ),
                # It asks stragglers how many jobs they still run, and may send them nothing else.
                self._on_documents("ssm:SendCommand", documents=(Action.STATUS,)),
                *self._send_to_workers(),
                *self._on_drained_groups("autoscaling:RecordLifecycleActionHeartbeat"),
                *self._see_terminations(),
            ],
            "notify_slack": self._notify(),
            "close_run": [
                *self._notify(),
                self._in_worker_regions("ssm:ListCommands", "ssm:CancelCommand"),
                Grant(
                    ("states:GetExecutionHistory",),
                    (self.execution_arns,),
                    wildcard_reason="A run gets its name when it is started.",
                ),
            ],
        }

    def for_slash_command(self, machine_arn: str, signing_secret_arn: str) -> list[Grant]:
        """The grants of the slash command's function, which exists only if the command is switched on."""
        return [
            Grant(("states:StartExecution",), (machine_arn,)),
            Grant(
                ("states:StopExecution",),
                (self.execution_arns,),
                wildcard_reason="A run gets its name when it is started.",
            ),
            Grant(("secretsmanager:GetSecretValue",), (signing_secret_arn,)),
        ]

    def for_terminations(self) -> list[Grant]:
        """The grants of the function that starts runs for instances which are about to end."""
        return [
            self._in_worker_regions("ec2:DescribeInstances", "autoscaling:DescribeLifecycleHooks"),
            Grant(("states:StartExecution",), (self.machine_arn,)),
        ]

    @property
    def read_token(self) -> Grant:
        """Reading the Slack bot's token."""
        return Grant(("secretsmanager:GetSecretValue",), (self.secret_arn,))

    @property
    def remember(self) -> Grant:
        """Keeping the records of what was done."""
        actions = ("GetItem", "PutItem", "UpdateItem", "DeleteItem")
        return Grant(tuple(f"dynamodb:{action}" for action in actions), (self.idempotency_table_arn,))

    def _notify(self) -> list[Grant]:
        """What reporting a run needs: Slack, who asked for it, the event for other systems, what was told before."""
        return [
            self.read_token,
            self._read_user_tags(),
            Grant(("cloudtrail:LookupEvents",), ("*",), wildcard_reason=NO_RESOURCE_IN_IAM),
            Grant(("events:PutEvents",), (self.event_bus_arn,)),
            self.remember,
            *self._schedule_runs(),
            *self._on_drained_groups("autoscaling:CompleteLifecycleAction"),
        ]

    def _schedule_runs(self) -> list[Grant]:
        """What scheduling a run for later needs."""
        operations = ("CreateSchedule", "UpdateSchedule", "GetSchedule", "DeleteSchedule")
        return [
            Grant(
                tuple(f"scheduler:{operation}" for operation in operations),
                (self.schedule_arns,),
                wildcard_reason="A schedule gets its name when it is made; its group is Snow White's own.",
            ),
            Grant(
                ("iam:PassRole",),
                (self.schedule_role_arn,),
                {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
            ),
        ]

    def _see_other_runs(self) -> list[Grant]:
        """What finding an opposite run that is under way needs."""
        return [
            Grant(("states:ListExecutions",), (self.machine_arn,)),
            Grant(
                ("states:DescribeExecution",),
                (self.execution_arns,),
                wildcard_reason="A run gets its name when it is started.",
            ),
        ]

    def _in_worker_regions(self, *actions: str) -> Grant:
        return Grant(
            actions,
            ("*",),
            self._condition,
            wildcard_reason=NO_RESOURCE_IN_IAM,
        )

    @property
    def _regions_in_arns(self) -> tuple[str, ...]:
        return self.arn_regions or self.regions

    @property
    def _condition(self) -> Mapping[str, Mapping[str, str | list[str]]]:
        return {"StringEquals": {"aws:RequestedRegion": list(self.regions)}}

    @property
    def _condition_of_arns(self) -> Mapping[str, Mapping[str, str | list[str]]]:
        """Needed only where the ARNs do not name the regions."""
        return self._condition if self.arn_regions == ("*",) else {}

    def _send_to_workers(self) -> list[Grant]:
        """Sending to instances of Elastic Beanstalk, and to what the settings allow beside them.

        Each tag is a grant of its own, because the keys of one condition must all hold. The regions are limited by the
        documents, on each of which sending is allowed too: twenty regions in each grant would be too long for a role.
        """
        allowed = {ENVIRONMENT_NAME_TAG: ("*",), GROUP_NAME_TAG: self.worker_groups, **self.worker_tags}
        return [
            Grant(
                ("ssm:SendCommand",),
                (f"arn:{self.partition}:ec2:*:{self.account}:instance/*",),
                {"StringLike": {f"ssm:resourceTag/{key}": list(values)}, **self._condition_of_arns},
                wildcard_reason="Instances come and go; the condition allows only those with the tag.",
            )
            for key, values in allowed.items()
            if values
        ]

    def _see_terminations(self) -> list[Grant]:
        """Seeing which instances Auto Scaling is ending; only where some are drained."""
        return [self._in_worker_regions(SEE_TERMINATIONS)] if self.drained_groups else []

    def _on_drained_groups(self, action: str) -> list[Grant]:
        """This call on the groups whose instances wait for a run; none if there are no such groups."""
        groups = tuple(
            f"arn:{self.partition}:autoscaling:*:{self.account}:autoScalingGroup:*:autoScalingGroupName/{glob}"
            for glob in self.drained_groups
        )
        reason = "A group's ARN has an id that is not known; the condition names the worker regions."
        return [Grant((action,), groups, self._condition, wildcard_reason=reason)] if groups else []

    def _read_user_tags(self) -> Grant:
        return Grant(
            ("iam:ListUserTags",),
            (f"arn:{self.partition}:iam::{self.account}:user/*",),
            wildcard_reason="Any user may have started the run; the tag with the Slack id is on that user.",
        )

    def _on_documents(self, *actions: str, documents: tuple[Action, ...] = tuple(Action)) -> Grant:
        """These calls on the documents of these actions."""
        return Grant(
            actions,
            tuple(
                f"arn:{self.partition}:ssm:{region}:{self.account}:document/{action.document_name}"
                for region in self._regions_in_arns
                for action in documents
            ),
            self._condition_of_arns,
            wildcard_reason="The worker regions are known at the launch only; the condition names them.",
        )
