"""The slash command: verify a request from Slack, start an execution, and answer the person who typed it.

Slack waits 3 seconds for the answer, so the function starts the run and does not wait for it.
"""

from __future__ import annotations

import json
import os
from typing import Any, Final

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config

from runtime.settings import Settings
from snow_white.slash.form import TypedCommand
from snow_white.slash.signature import Refused, SignedRequest
from snow_white.slash.start import SlashCommands

# Both timeouts together are shorter than Slack waits, so the person gets an answer even if AWS does not respond.
# There is no time for a retry.
_NO_RETRIES: Final[Any] = {"mode": "standard", "total_max_attempts": 1}
_SECRETS_CONFIG: Final = Config(connect_timeout=0.3, read_timeout=0.9, retries=_NO_RETRIES)
_START_CONFIG: Final = Config(connect_timeout=0.3, read_timeout=1.2, retries=_NO_RETRIES)
# Functions that are warm use a new secret after this time at the latest.
_SECRET_CACHE_SECONDS: Final = 300

logger = Logger()
secrets = SecretsProvider(boto_config=_SECRETS_CONFIG)
step_functions = boto3.client("stepfunctions", config=_START_CONFIG)
commands = SlashCommands(
    step_functions=step_functions,
    state_machine_arn=os.environ["STATE_MACHINE_ARN"],
    defaults=Settings.from_env().defaults,
    users=frozenset(os.environ["SLASH_COMMAND_USERS"].split(",")) - {""},
    channels=frozenset(os.environ["SLASH_COMMAND_CHANNELS"].split(",")) - {""},
)


def _close_after_use(request: AWSPreparedRequest, **_: object) -> None:
    """Ask for a new connection each time. A kept one may be closed while the function is frozen; a call on it fails."""
    request.headers["Connection"] = "close"


for _client in (secrets.client, step_functions):
    _client.meta.events.register("before-send", _close_after_use)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Takes a function URL's event; returns an answer that only the person sees, or a status with an empty body."""
    try:
        request = SignedRequest.read(event)
        request.verify(_signing_secret())
        typed = TypedCommand.from_form(request.body)
    except Refused as refused:
        logger.warning("refused", extra={"status": refused.status, "reason": str(refused)})
        return {"statusCode": refused.status, "body": ""}
    answer = commands.answer(typed, request.name)
    logger.info(
        "answered",
        extra={
            "outcome": answer.outcome,
            "execution": answer.execution,
            "slack_user": typed.user,
            "slack_channel": typed.channel,
            "text": typed.text,
            "answer": answer.text,
            "cause": answer.cause,
        },
    )
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json; charset=utf-8"},
        "body": json.dumps({"response_type": "ephemeral", "text": answer.text}),
    }


def _signing_secret() -> str:
    """The Slack app's signing secret. Raises Refused(503) if it is not stored, because no request can be verified."""
    try:
        secret = str(secrets.get(os.environ["SLACK_SIGNING_SECRET"], max_age=_SECRET_CACHE_SECONDS)).strip()
    except GetParameterError as error:
        raise Refused(503, f"The signing secret could not be read: {error}") from error
    if not secret:
        raise Refused(503, "The signing secret is empty.")
    return secret
