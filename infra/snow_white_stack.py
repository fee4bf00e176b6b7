"""The home stack: the state machine and all it needs, once, whatever the number of worker regions."""

from __future__ import annotations

from typing import Any

from aws_cdk import ArnFormat, CfnOutput, Stack
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.alarms import Alarms
from infra.closing_rule import ClosingRule
from infra.dashboard import Dashboard
from infra.functions import Functions
from infra.invoke_policy import InvokePolicy
from infra.permissions import Permissions
from infra.run_machine import MACHINE_NAME, RunMachine
from infra.settings import Settings
from infra.slack_secret import SlackSecret
from infra.slash_command import SlashCommand


class SnowWhiteStack(Stack):
    """State machine, functions, Slack secret, closing rule and the policy for those who may start runs."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, **kwargs: Any) -> None:
        super().__init__(scope, construct_id, **kwargs)
        secret = SlackSecret(self, "Slack")
        permissions = Permissions(
            account=self.account,
            partition=self.partition,
            regions=settings.regions,
            secret_arn=secret.arn,
            execution_arns=self._execution_arns(),
            event_bus_arn=self.format_arn(service="events", resource="event-bus", resource_name="default"),
        )
        built = Functions(self, "Functions", settings=settings, permissions=permissions)
        functions = built.by_name
        machine = RunMachine(
            self, "Run", functions=functions, log_retention_days=settings.log_retention_days
        ).state_machine
        ClosingRule(self, "Closing", machine=machine, close_run=functions["close_run"])
        Alarms(self, "Alarms", machine=machine, topic_arn=settings.alarm_topic)
        Dashboard(self, "Dashboard", machine=machine, functions=functions)
        invoke = InvokePolicy(
            self,
            "Invoke",
            machine_arn=machine.state_machine_arn,
            execution_arns=self._execution_arns(),
        )
        if settings.slash_command:
            self._build_slash_command(settings, built, permissions, machine)
        self._build_output("StateMachineArn", machine.state_machine_arn, "Start runs here")
        self._build_output(
            "InvokePolicyArn", invoke.policy.managed_policy_arn, "Attach to those who may start runs"
        )
        self._build_output("SlackTokenSecretArn", secret.arn, "Store the Slack bot's token here")

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
        self._build_output("SlashCommandUrl", command.url, "The request URL of the Slack app's slash command")
        self._build_output(
            "SlackSigningSecretArn", command.signing_secret_arn, "Store the Slack app's signing secret here"
        )

    def _execution_arns(self) -> str:
        """Matches this machine's executions; by its fixed name, because close_run's role comes first."""
        return self.format_arn(
            service="states",
            resource="execution",
            resource_name=f"{MACHINE_NAME}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )

    def _build_output(self, name: str, value: str, description: str) -> None:
        CfnOutput(self, name, value=value, description=description)
