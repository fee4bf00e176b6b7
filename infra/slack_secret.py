"""Where the Slack bot's token is kept."""

from __future__ import annotations

from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.acknowledgement import acknowledge


class SlackSecret(Construct):
    """A secret without a value: the token is stored by a person and never stands in a template.

    Its value is the bare bot token (xoxb-...). Until there is one, runs work and tell nobody.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        secret = secretsmanager.CfnSecret(
            self, "Token", description="Snow White's Slack bot token (xoxb-...), stored as plain text"
        )
        acknowledge(
            secret, "AwsSolutions-SMG4", "Slack gives bot tokens out by hand; nothing can rotate them."
        )
        self.arn = secret.ref
