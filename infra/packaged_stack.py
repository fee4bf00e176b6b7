"""Snow White as one template that needs no CDK bootstrap: for CloudFormation's console and for StackSets.

The same template is launched in the home region and in every other worker region. Each launch creates the documents of
its region; the one in the home region creates the rest, too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from aws_cdk import (
    Aws,
    CfnCondition,
    CfnOutput,
    CfnParameter,
    CfnResource,
    CliCredentialsStackSynthesizer,
    Fn,
)
from constructs import Construct

from infra.constructs.terminations import ForwardedTerminations
from infra.documents_stack import build_documents, home_bus_arn
from infra.script_source import script_source
from infra.settings import Settings
from infra.snow_white_stack import SnowWhiteStack
from snow_white.version import VERSION

STACK: Final = "SnowWhite"
FOLDER: Final = f"snow-white/{VERSION}/"
"""The prefix of everything in the bucket."""


@dataclass(frozen=True)
class _Parameters:
    """The parameters, which a person sets at the launch; their defaults are the settings."""

    home_region: str
    settings: Settings

    @classmethod
    def add_to(cls, scope: Construct, settings: Settings) -> _Parameters:
        home = CfnParameter(
            scope,
            "HomeRegion",
            default=settings.home_region,
            allowed_pattern=r"[a-z]{2}(-[a-z]+)+-[0-9]",
            description="The region of the state machine. A launch in any other region creates only the documents.",
        )
        regions = CfnParameter(
            scope,
            "Regions",
            type="CommaDelimitedList",
            default=",".join(settings.regions),
            description="The regions of the workers. Launch this template in each of them.",
        )
        environments = CfnParameter(
            scope,
            "DefaultEnvironments",
            type="CommaDelimitedList",
            default=",".join(settings.default_environments),
            description="Environments of a request that names none: text in the environment's name, or a glob.",
        )
        groups = CfnParameter(
            scope,
            "WorkerGroups",
            type="CommaDelimitedList",
            default=",".join(settings.worker_groups),
            description="Names or globs of the Auto Scaling groups that a request may name; empty for none.",
        )
        channel = CfnParameter(
            scope,
            "SlackChannel",
            default=settings.slack_channel,
            allowed_pattern=r"([CGDUW][A-Z0-9]{2,})?",
            description="Id of the Slack channel for runs that name no other; empty for none.",
        )
        return cls(
            home.value_as_string,
            replace(
                settings,
                regions=tuple(regions.value_as_list),
                default_environments=tuple(environments.value_as_list),
                worker_groups=tuple(groups.value_as_list),
                slack_channel=channel.value_as_string,
            ),
        )


class PackagedStack(SnowWhiteStack):
    """The home stack and the documents in one.

    Args:
        bucket_prefix: the code is in the bucket `PREFIX-REGION` of the home region; Lambda takes it from no other.
    """

    def __init__(self, scope: Construct, settings: Settings, bucket_prefix: str) -> None:
        super().__init__(
            scope,
            STACK,
            settings=settings,
            synthesizer=CliCredentialsStackSynthesizer(
                file_assets_bucket_name=f"{bucket_prefix}-${{AWS::Region}}", bucket_prefix=FOLDER
            ),
            description=f"Snow White {VERSION}: quiets, stops and wakes Sidekiq workers on Elastic Beanstalk",
        )
        self._only_in_home_region()
        source = script_source(settings.script_source, settings.script_source_token)
        build_documents(self, source, settings.launchers)
        if settings.drain_on_termination:
            self._forward_terminations()

    def _deployed_settings(self, settings: Settings) -> Settings:
        self._parameters = _Parameters.add_to(self, settings)
        return self._parameters.settings

    def _arn_regions(self, settings: Settings) -> tuple[str, ...]:  # noqa: ARG002
        """Regions that are known at the launch only; each grant has a condition for them as well."""
        return ("*",)

    def _forward_terminations(self) -> None:
        home = self._parameters.home_region
        forwarded = ForwardedTerminations(
            self,
            "Forwarded",
            settings=self._parameters.settings,
            home_bus_arn=home_bus_arn(self, home),
        )
        elsewhere = CfnCondition(
            self,
            "IsOtherRegion",
            expression=Fn.condition_not(Fn.condition_equals(Aws.REGION, home)),
        )
        for construct in forwarded.node.find_all():
            if isinstance(construct, CfnResource):
                construct.cfn_options.condition = elsewhere

    def _only_in_home_region(self) -> None:
        home = CfnCondition(
            self, "IsHomeRegion", expression=Fn.condition_equals(Aws.REGION, self._parameters.home_region)
        )
        for construct in self.node.find_all():
            if isinstance(construct, CfnOutput):
                construct.condition = home
            elif isinstance(construct, CfnResource):
                construct.cfn_options.condition = home
