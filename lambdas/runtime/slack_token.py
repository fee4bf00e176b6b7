"""The bot token, from Secrets Manager."""

from __future__ import annotations

from typing import Final

from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

from runtime.client_config import SHORT_TIMEOUTS
from runtime.settings import Settings
from snow_white.slack.client import Slack, slack_client
from snow_white.slack.time_limit import TimeLimit

# A new token is used within this time by functions that are warm.
_TOKEN_IS_KEPT_SECONDS: Final = 300

_secrets = SecretsProvider(boto_config=SHORT_TIMEOUTS)


def open_slack(settings: Settings, time_limit: TimeLimit) -> Slack:
    """Slack with the token of the secret; without one, a Slack that tells nobody and says why."""
    try:
        token = str(_secrets.get(settings.slack_token_secret, max_age=_TOKEN_IS_KEPT_SECONDS)).strip()
    except GetParameterError as error:
        return Slack(None, f"Nobody was told: the Slack token could not be read ({error}).")
    if not token:
        return Slack(None, "Nobody was told: the secret for the Slack token is empty.")
    return Slack(slack_client(token, settings.slack_api_url, time_limit), time_limit=time_limit)
