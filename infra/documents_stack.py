"""The stack with the Command documents, deployed to every worker region."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.command_documents import command_document
from infra.constructs.terminations import ForwardedTerminations
from infra.script_source import ScriptSource
from infra.settings import Settings
from snow_white.model.action import Action
from snow_white.version import VERSION


class DocumentsStack(Stack):
    """One SSM Command document per action. The names are fixed, so nothing is looked up across regions.

    Raises DocumentTooLarge. `source` is where hosts download the scripts from; None: the documents contain them.
    `launchers` are the application's own programs that start Sidekiq. With `settings` that say so, events about
    instances that are about to end are sent to the home region.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        source: ScriptSource | None = None,
        launchers: Sequence[str] = (),
        settings: Settings | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        build_documents(self, source, launchers)
        if settings and settings.drain_on_termination and self.region != settings.home_region:
            ForwardedTerminations(
                self, "Terminations", settings=settings, home_bus_arn=home_bus_arn(self, settings.home_region)
            )
        CfnOutput(self, "Version", value=VERSION, description="The version of Snow White")


def home_bus_arn(stack: Stack, home_region: str) -> str:
    """The ARN of the home region's default event bus."""
    return stack.format_arn(
        service="events", region=home_region, resource="event-bus", resource_name="default"
    )


def build_documents(stack: Stack, source: ScriptSource | None, launchers: Sequence[str]) -> None:
    """Add the documents to a stack; raises DocumentTooLarge."""
    for action in Action:
        ssm.CfnDocument(
            stack,
            f"{action.capitalize()}SidekiqWorkers",
            name=action.document_name,
            document_type="Command",
            document_format="JSON",
            target_type="/AWS::EC2::Instance",
            # A changed script becomes the new default version. A replacement would fail, because the name is taken.
            update_method="NewVersion",
            content=command_document(action, source, launchers),
        )
