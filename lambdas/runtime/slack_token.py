"""Reading the bot token from Secrets Manager, and opening Slack with it."""

from __future__ import annotations

from typing import Any, Final

from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

from runtime.clients import SHORT_TIMEOUTS, session
from runtime.settings import Settings
from snow_white.slack.client import Slack, slack_client
from snow_white.slack.time_limit import TimeLimit

# Functions that are warm use a new token after this time at the latest.
_TOKEN_CACHE_SECONDS: Final = 300

_client: Any = session.create_client("secretsmanager", config=SHORT_TIMEOUTS)
_secrets = SecretsProvider(boto3_client=_client)


def open_slack(settings: Settings, time_limit: TimeLimit) -> Slack:
    """Slack with the stored token. Without a token it posts nothing, and each call fails with the reason."""
    try:
        token = str(_secrets.get(settings.slack_token_secret, max_age=_TOKEN_CACHE_SECONDS)).strip()
    except GetParameterError as error:
        reason = f"Slack was not notified: the Slack token could not be read ({error})."
        return Slack(None, reason, token_may_come=True, time_limit=time_limit)
    if not token:
        return Slack(None, "Slack was not notified: the secret for the Slack token is empty.")
    client = slack_client(token, settings.slack_api_url, time_limit)
    return Slack(client, forget_token=_secrets.clear_cache, time_limit=time_limit)
