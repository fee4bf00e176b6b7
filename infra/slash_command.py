"""The slash command in Slack, which is there only when the setting `slash_command` is on.

A function URL, because it is the least that can be reached from Slack: one resource, no service in between that has to
be configured and watched, and the local AWS serves it too. The URL is open to everybody (AuthType NONE), since Slack
cannot sign as AWS wants it: the function believes only what the Slack app's signing secret has signed.
"""

from __future__ import annotations

from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.acknowledgement import acknowledge
from infra.functions import Functions
from infra.permissions import Permissions
from infra.settings import Settings

# Slack waits 3 seconds; a cold start may take as long again, and what comes later is of use to nobody.
TIMEOUT: Final = Duration.seconds(10)


class SlashCommand(Construct):
    """The function with its URL, and a secret without a value for the Slack app's signing secret.

    `url` is what the Slack app is given, `signing_secret_arn` where a person stores its signing secret. Until there
    is one, and for everybody whom the settings do not name, commands do nothing.
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
        self.signing_secret_arn = self._build_signing_secret()
        function = functions.build_function(
            "slash_command",
            permissions.of_slash_command(machine_arn, self.signing_secret_arn),
            environment={
                "STATE_MACHINE_ARN": machine_arn,
                "SLACK_SIGNING_SECRET": self.signing_secret_arn,
                "SLASH_COMMAND_USERS": ",".join(settings.slash_command_users),
                "SLASH_COMMAND_CHANNELS": ",".join(settings.slash_command_channels),
            },
            timeout=TIMEOUT,
        )
        self.url = function.add_function_url(auth_type=lambda_.FunctionUrlAuthType.NONE).url

    def _build_signing_secret(self) -> str:
        secret = secretsmanager.CfnSecret(
            self,
            "SigningSecret",
            description="The signing secret of Snow White's Slack app, stored as plain text",
        )
        acknowledge(
            secret, "AwsSolutions-SMG4", "Slack gives signing secrets out by hand; nothing can rotate them."
        )
        return secret.ref
