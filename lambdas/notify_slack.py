"""AnnounceStart, AnnounceProgress and NotifySlack: tell Slack how a run begins, goes on and ends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from settings import Settings
from slack_token import open_slack
from snow_white.run import Run
from snow_white.telling import Teller

logger = Logger()
settings = Settings.from_env()
iam = boto3.client("iam")


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Takes {step: the state's name, run}; returns the run, at the end with its complete report."""
    state = event["run"]
    logger.append_keys(execution=state["execution"]["name"])
    slack = open_slack(settings)
    teller = Teller(slack, iam, settings.slack_channel, settings.slack_user_tag)
    now = datetime.now(UTC)
    match event["step"]:
        case "AnnounceStart":
            after = teller.start(Run.from_json(state), now).to_json()
        case "AnnounceProgress":
            after = teller.progress(Run.from_json(state), now).to_json()
        case _:
            after = teller.end(state, now)
            logger.info("ended", extra={"report": after["report"]})
    if slack.failures:
        logger.warning("not told", extra={"failures": slack.failures})
    return after
