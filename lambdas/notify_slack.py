"""AnnounceStart, AnnounceProgress and NotifySlack: tell Slack how a run begins, goes on and ends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from runtime.client_config import BRIEFLY
from runtime.notifier import open_teller
from runtime.run_end import end_run
from runtime.settings import Settings
from snow_white.model.run import Run

_ON_THE_WAY: Final = ("AnnounceStart", "AnnounceProgress")
# The workers wait meanwhile; what Slack does not take in this time it is told with the next news.
_ON_THE_WAY_SECONDS: Final = 30

logger = Logger()
settings = Settings.from_env()
events = boto3.client("events", config=BRIEFLY)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Takes {step: the state's name, run}; returns the run, at the end with its complete report."""
    state = event["run"]
    logger.append_keys(execution=state["execution"]["name"])
    now = datetime.now(UTC)
    if event["step"] in _ON_THE_WAY:
        teller = open_teller(settings, context, _ON_THE_WAY_SECONDS)
        after = teller.announce(Run.from_json(state), now).to_json()
    else:
        teller = open_teller(settings, context)
        after = end_run(state, teller, events, logger, now)
    if teller.slack.failures:
        logger.warning("not told", extra={"failures": teller.slack.failures})
    return after
