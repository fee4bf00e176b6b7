"""For runs that ended FAILED, TIMED_OUT or ABORTED: cancel what they left, and tell Slack unless they did."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from brief_calls import BRIEFLY
from ending import end_run
from settings import Settings
from slack_teller import open_teller
from snow_white.closing import cancel_remains, dead_run_error, execution_of, has_told, newest_state
from snow_white.regions import Regions

logger = Logger()
settings = Settings.from_env()
regions = Regions(boto3.Session())
step_functions = boto3.client("stepfunctions")
events = boto3.client("events", config=BRIEFLY)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Takes a "Step Functions Execution Status Change" event; returns what was done, for the log."""
    detail = event["detail"]
    now = datetime.now(UTC)
    execution = execution_of(detail, now)
    logger.append_keys(execution=execution.name)
    state = newest_state(step_functions, execution.arn)
    cancelled, failed = cancel_remains(state, execution, regions)
    done: dict[str, Any] = {"cancelled": cancelled, "not_cancelled": failed, "told": has_told(state)}
    if not done["told"]:
        teller = open_teller(settings, context)
        dead = {
            "request": {},
            **state,
            "execution": execution.to_json(),
            "report": None,
            "error": dead_run_error(detail["status"], detail),
        }
        done["told_now"] = end_run(dead, teller, events, logger, now)["report"]["slack"]
    logger.info("closed", extra=done)
    return done
