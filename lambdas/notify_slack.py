"""AnnounceStart, AnnounceProgress and NotifySlack: tell Slack how a run begins, goes on and ends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from ending import end_run
from settings import Settings
from slack_teller import open_teller
from snow_white.run import Run

logger = Logger()
settings = Settings.from_env()
events = boto3.client("events")


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Takes {step: the state's name, run}; returns the run, at the end with its complete report."""
    state = event["run"]
    logger.append_keys(execution=state["execution"]["name"])
    teller = open_teller(settings, context)
    now = datetime.now(UTC)
    match event["step"]:
        case "AnnounceStart":
            after = teller.start(Run.from_json(state), now).to_json()
        case "AnnounceProgress":
            after = teller.progress(Run.from_json(state), now).to_json()
        case _:
            after = end_run(state, teller, events, logger, now)
    if teller.slack.failures:
        logger.warning("not told", extra={"failures": teller.slack.failures})
    return after
