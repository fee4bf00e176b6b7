"""The slash command in Slack. It is deployed only if the setting `slash_command` is true.

Slack calls a function URL: one resource, without another service to configure and watch, and the local AWS serves it
too. The URL is public (AuthType NONE) because Slack cannot sign requests for IAM. The function accepts only requests
that are signed with the Slack app's signing secret.
"""

from __future__ import annotations

from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.access.permissions import Permissions
from infra.checks import acknowledge
from infra.constructs.functions import Functions
from infra.settings import Settings

# Slack waits 3 seconds for an answer. A cold start may take as long again; a later answer would be useless.
TIMEOUT: Final = Duration.seconds(10)


class SlashCommand(Construct):
    """The function with its URL, and an empty secret for the Slack app's signing secret.

    `url` is the request URL for the Slack app. A person stores the app's signing secret in `signing_secret_arn`; until
    then every command is refused, and so are commands of users who are not in the settings.
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
            permissions.for_slash_command(machine_arn, self.signing_secret_arn),
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
            secret,
            "AwsSolutions-SMG4",
            "Slack issues signing secrets by hand; they cannot be rotated automatically.",
        )
        return secret.ref
