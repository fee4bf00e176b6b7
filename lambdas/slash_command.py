"""The slash command: a request from Slack, by the function URL, becomes an execution, or nothing at all.

Slack waits 3 seconds for the answer, so that the run is started and not waited for.
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

# Together less than Slack waits, so that whatever AWS does not answer, the person is. There is no time to try again.
_ONCE: Final[Any] = {"mode": "standard", "total_max_attempts": 1}
_FOR_THE_SECRET: Final = Config(connect_timeout=0.3, read_timeout=0.9, retries=_ONCE)
_FOR_THE_START: Final = Config(connect_timeout=0.3, read_timeout=1.2, retries=_ONCE)
# A new secret is used within this time by functions that are warm.
_SECRET_IS_KEPT_SECONDS: Final = 300

logger = Logger()
secrets = SecretsProvider(boto_config=_FOR_THE_SECRET)
step_functions = boto3.client("stepfunctions", config=_FOR_THE_START)
commands = SlashCommands(
    step_functions=step_functions,
    state_machine_arn=os.environ["STATE_MACHINE_ARN"],
    defaults=Settings.from_env().defaults,
    users=frozenset(os.environ["SLASH_COMMAND_USERS"].split(",")) - {""},
    channels=frozenset(os.environ["SLASH_COMMAND_CHANNELS"].split(",")) - {""},
)


def _close_after_use(request: AWSPreparedRequest, **_: object) -> None:
    """A connection that is kept may be dead when the function thaws, and then costs the only try."""
    request.headers["Connection"] = "close"


for _client in (secrets.client, step_functions):
    _client.meta.events.register("before-send", _close_after_use)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Takes a function URL's event; returns an answer that only the person sees, or a status without a word."""
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
    """Raises Refused(503) while nobody has stored it: without it nothing can be believed."""
    try:
        secret = str(secrets.get(os.environ["SLACK_SIGNING_SECRET"], max_age=_SECRET_IS_KEPT_SECONDS)).strip()
    except GetParameterError as error:
        raise Refused(503, f"The signing secret could not be read: {error}") from error
    if not secret:
        raise Refused(503, "The signing secret is empty.")
    return secret
