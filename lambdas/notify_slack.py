"""AnnounceStart, AnnounceProgress and NotifySlack: show a run's start, progress and end in Slack."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from runtime.client_config import SHORT_TIMEOUTS
from runtime.notifier import open_notifier
from runtime.run_end import report_end
from runtime.settings import Settings
from snow_white.model.ended_run import EndedRun
from snow_white.model.run import Run
from snow_white.model.serialisation import from_json, to_json

_PROGRESS_STEPS: Final = ("AnnounceStart", "AnnounceProgress")
# The run waits for these steps. What Slack does not accept in this time is shown by the next progress step.
_PROGRESS_TIME_LIMIT_SECONDS: Final = 30

logger = Logger()
settings = Settings.from_env()
events = boto3.client("events", config=SHORT_TIMEOUTS)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Takes {step: the state's name, run}; returns the run, after NotifySlack with its complete report."""
    state = event["run"]
    logger.append_keys(execution=state["execution"]["name"])
    now = datetime.now(UTC)
    after: Run | EndedRun
    if event["step"] in _PROGRESS_STEPS:
        notifier = open_notifier(settings, context, _PROGRESS_TIME_LIMIT_SECONDS)
        after = notifier.announce(from_json(state, Run), now)
    else:
        notifier = open_notifier(settings, context)
        after = report_end(from_json(state, EndedRun), notifier, events, logger, now)
    if notifier.slack.failures:
        logger.warning("Slack not notified", extra={"failures": notifier.slack.failures})
    return to_json(after)
