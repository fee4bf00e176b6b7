"""The secret that holds the Slack bot's token."""

from __future__ import annotations

from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.checks import acknowledge


class SlackSecret(Construct):
    """A secret that is created empty: a person stores the token, so it is never in a template.

    Its value is the bot token alone (xoxb-...). Without a token, runs work but send no Slack message.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        secret = secretsmanager.CfnSecret(
            self, "Token", description="Snow White's Slack bot token (xoxb-...), stored as plain text"
        )
        acknowledge(
            secret,
            "AwsSolutions-SMG4",
            "Slack issues bot tokens by hand; they cannot be rotated automatically.",
        )
        self.arn = secret.ref
