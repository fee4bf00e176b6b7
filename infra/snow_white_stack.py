"""The stack in the home region: the state machine and everything it needs."""

from __future__ import annotations

from typing import Any

from aws_cdk import ArnFormat, CfnOutput, Stack
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.access.invoke_policy import InvokePolicy
from infra.access.permissions import Permissions
from infra.constructs.alarms import Alarms
from infra.constructs.dashboard import Dashboard
from infra.constructs.functions import Functions
from infra.constructs.idempotency_table import IdempotencyTable
from infra.constructs.run_ended_rule import RunEndedRule
from infra.constructs.schedules import Schedules
from infra.constructs.slack_secret import SlackSecret
from infra.constructs.slash_command import SlashCommand
from infra.constructs.state_machine import MACHINE_NAME, SnowWhiteStateMachine
from infra.constructs.terminations import Terminations, drained_groups
from infra.settings import Settings
from snow_white.version import VERSION


class SnowWhiteStack(Stack):
    """State machine, functions, secret, table, rule, alarms, dashboard, policy, and the optional slash command."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, **kwargs: Any) -> None:
        super().__init__(scope, construct_id, **kwargs)
        settings = self._deployed_settings(settings)
        secret = SlackSecret(self, "Slack")
        table = IdempotencyTable(self, "Idempotency")
        schedules = Schedules(self, "Schedules", machine_arn=self._machine_arn())
        permissions = Permissions(
            account=self.account,
            partition=self.partition,
            regions=settings.regions,
            arn_regions=self._arn_regions(settings),
            secret_arn=secret.arn,
            machine_arn=self._machine_arn(),
            execution_arns=self._execution_arns(),
            event_bus_arn=self.format_arn(service="events", resource="event-bus", resource_name="default"),
            idempotency_table_arn=table.arn,
            worker_groups=settings.worker_groups,
            worker_tags=settings.worker_tags,
            drained_groups=drained_groups(settings),
            schedule_arns=schedules.schedule_arns,
            schedule_role_arn=schedules.role_arn,
        )
        built = Functions(
            self,
            "Functions",
            settings=settings,
            permissions=permissions,
            idempotency_table=table.name,
            schedule_group=schedules.group,
        )
        functions = built.by_name
        machine = SnowWhiteStateMachine(
            self, "Run", functions=functions, log_retention_days=settings.log_retention_days
        ).state_machine
        RunEndedRule(self, "Closing", machine=machine, close_run=functions["close_run"])
        alarms = Alarms(
            self,
            "Alarms",
            machine=machine,
            schedule_group=schedules.group,
            topic_arn=settings.alarm_topic,
        )
        if settings.drain_on_termination:
            terminations = Terminations(
                self,
                "Terminations",
                settings=settings,
                functions=built,
                permissions=permissions,
                machine_arn=machine.state_machine_arn,
            )
            alarms.notify(terminations.alarm)
        Dashboard(self, "Dashboard", machine=machine, functions=functions)
        invoke = InvokePolicy(
            self,
            "Invoke",
            machine_arn=machine.state_machine_arn,
            execution_arns=self._execution_arns(),
        )
        if settings.slash_command:
            self._build_slash_command(settings, built, permissions, machine)
        self._build_output(
            "StateMachineArn",
            machine.state_machine_arn,
            "The state machine; one execution is one run",
        )
        self._build_output(
            "InvokePolicyArn",
            invoke.policy.managed_policy_arn,
            "The policy for users and roles that start runs",
        )
        self._build_output("Version", VERSION, "The version of Snow White")
        self._build_output("SlackTokenSecretArn", secret.arn, "The secret for the Slack bot's token")

    def _deployed_settings(self, settings: Settings) -> Settings:
        """The settings as the template has them: for a subclass to put parameters in their place."""
        return settings

    def _arn_regions(self, settings: Settings) -> tuple[str, ...]:
        """The regions in the ARNs of what the functions may use."""
        return settings.regions

    def _build_slash_command(
        self,
        settings: Settings,
        functions: Functions,
        permissions: Permissions,
        machine: sfn.IStateMachine,
    ) -> None:
        command = SlashCommand(
            self,
            "SlashCommand",
            settings=settings,
            functions=functions,
            permissions=permissions,
            machine_arn=machine.state_machine_arn,
        )
        self._build_output(
            "SlashCommandUrl", command.url, "The request URL for the Slack app's slash command"
        )
        self._build_output(
            "SlackSigningSecretArn",
            command.signing_secret_arn,
            "The secret for the Slack app's signing secret",
        )

    def _machine_arn(self) -> str:
        """Made of the fixed name, because the functions' roles are built before the machine."""
        return self.format_arn(
            service="states",
            resource="stateMachine",
            resource_name=MACHINE_NAME,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )

    def _execution_arns(self) -> str:
        """ARN that matches the executions; made of the fixed name, because close_run's role is built first."""
        return self.format_arn(
            service="states",
            resource="execution",
            resource_name=f"{MACHINE_NAME}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )

    def _build_output(self, name: str, value: str, description: str) -> None:
        CfnOutput(self, name, value=value, description=description)
