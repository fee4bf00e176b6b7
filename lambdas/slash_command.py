"""The slash command and the buttons: verify a request from Slack, start or stop an execution, and answer the person.

Slack waits 3 seconds for the answer, so the function starts the run and does not wait for it.
"""

from __future__ import annotations

import json
import os
from http import HTTPStatus
from http.client import HTTPException
from typing import Any, Final

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config
from slack_sdk.webhook import WebhookClient

from runtime.clients import session
from runtime.settings import Settings
from snow_white.slack.buttons import LABELS
from snow_white.slash.form import TypedCommand
from snow_white.slash.press import PressedButton
from snow_white.slash.signature import Refused, SignedRequest
from snow_white.slash.start import Answer, SlashCommands

# Both timeouts together are shorter than Slack waits, so the person gets an answer even if AWS does not respond.
# There is no time for a retry.
_NO_RETRIES: Final[Any] = {"mode": "standard", "total_max_attempts": 1}
_SECRETS_CONFIG: Final = Config(connect_timeout=0.3, read_timeout=0.9, retries=_NO_RETRIES)
_START_CONFIG: Final = Config(connect_timeout=0.3, read_timeout=1.2, retries=_NO_RETRIES)
# Slack shows a warning if an answer to the press of a button comes late; what was asked is done nevertheless.
_RESPONSE_TIMEOUT_SECONDS: Final = 2
# Functions that are warm use a new secret after this time at the latest.
_SECRET_CACHE_SECONDS: Final = 300

logger = Logger()
secrets_manager: Any = session.create_client("secretsmanager", config=_SECRETS_CONFIG)
secrets = SecretsProvider(boto3_client=secrets_manager)
step_functions: Any = session.create_client("stepfunctions", config=_START_CONFIG)
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


for _client in (secrets_manager, step_functions):
    _client.meta.events.register("before-send", _close_after_use)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Takes a function URL's event; returns an answer that only the person sees, or a status with an empty body.

    Slack shows no answer to the press of a button, so that one is posted.
    """
    try:
        request = SignedRequest.read(event)
        request.verify(_signing_secret())
        asked = PressedButton.from_form(request.body) or TypedCommand.from_form(request.body)
    except Refused as refused:
        logger.warning("refused", extra={"status": refused.status, "reason": str(refused)})
        return {"statusCode": refused.status, "body": ""}
    if isinstance(asked, TypedCommand):
        answer = commands.answer(asked, request.name)
        _log(asked, asked.text, answer)
        return {
            "statusCode": 200,
            "headers": {"Content-Type": "application/json; charset=utf-8"},
            "body": json.dumps({"response_type": "ephemeral", "text": answer.text}),
        }
    # Other buttons than Snow White's open a page, of which Slack tells as well.
    if asked.action_id in LABELS:
        answer = commands.press(asked, request.name)
        _log(asked, f"{asked.action_id}: {asked.value}", answer)
        _post(asked, answer)
    return {"statusCode": 200, "body": ""}


def _post(pressed: PressedButton, answer: Answer) -> None:
    """Post the answer where the button was pressed. What was done is done, whether Slack takes the answer or not."""
    try:
        webhook = WebhookClient(pressed.response_url, timeout=_RESPONSE_TIMEOUT_SECONDS, retry_handlers=[])
        response = webhook.send(
            text=answer.text,
            response_type="in_channel" if answer.for_everybody else "ephemeral",
            replace_original=False,
        )
        failure = "" if response.status_code == HTTPStatus.OK else f"{response.status_code} {response.body}"
    except (HTTPException, OSError, ValueError) as error:
        failure = str(error)
    if failure:
        logger.warning("answer not posted", extra={"failure": failure})


def _log(asked: TypedCommand | PressedButton, text: str, answer: Answer) -> None:
    logger.info(
        "answered",
        extra={
            "outcome": answer.outcome,
            "execution": answer.execution,
            "slack_user": asked.user,
            "slack_channel": asked.channel,
            "text": text,
            "answer": answer.text,
            "cause": answer.cause,
        },
    )


def _signing_secret() -> str:
    """The Slack app's signing secret. Raises Refused(503) if it is not stored, because no request can be verified."""
    try:
        secret = str(secrets.get(os.environ["SLACK_SIGNING_SECRET"], max_age=_SECRET_CACHE_SECONDS)).strip()
    except GetParameterError as error:
        raise Refused(503, f"The signing secret could not be read: {error}") from error
    if not secret:
        raise Refused(503, "The signing secret is empty.")
    return secret
