"""For runs that ended FAILED, TIMED_OUT or ABORTED: cancel what they left, and tell Slack unless they did."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from settings import Settings
from slack_token import open_slack
from snow_white.closing import cancel_remains, dead_run_error, execution_of, has_told, newest_state
from snow_white.regions import Regions
from snow_white.telling import Teller

logger = Logger()
settings = Settings.from_env()
regions = Regions(boto3.Session())
step_functions = boto3.client("stepfunctions")
iam = boto3.client("iam")


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
        slack = open_slack(settings)
        teller = Teller(slack, iam, settings.slack_channel, settings.slack_user_tag)
        dead = {
            "request": {},
            **state,
            "execution": execution.to_json(),
            "report": None,
            "error": dead_run_error(detail["status"], detail),
        }
        done["told_now"] = teller.end(dead, now)["report"]["slack"]
    logger.info("closed", extra=done)
    return done
