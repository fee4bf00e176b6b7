"""For every run that has ended: cancel what a failed one left, and tell Slack unless the run itself did."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from runtime.client_config import SHORT_TIMEOUTS
from runtime.notifier import open_notifier
from runtime.run_end import report_end, retry_unreached
from runtime.settings import Settings
from snow_white.aws.execution_history import ExecutionEnd, read_ended_run
from snow_white.aws.regions import Regions
from snow_white.model.serialisation import to_json
from snow_white.reporting.errors import reportable
from snow_white.steps.clean_up import cancel_commands

logger = Logger()
settings = Settings.from_env()
regions = Regions(boto3.Session())
step_functions = boto3.client("stepfunctions")
events = boto3.client("events", config=SHORT_TIMEOUTS)
# EventBridge may deliver an event twice, mostly soon after each other and so to the same copy of this function.
# The time is part of it because an execution that is redriven ends once more.
closed: Final[deque[tuple[str, int | None]]] = deque(maxlen=1_000)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Takes a "Step Functions Execution Status Change" event; returns what was done, for the log."""
    now = datetime.now(UTC)
    end = ExecutionEnd.read(event["detail"], now)
    logger.append_keys(execution=end.execution.name)
    if (end.execution.arn, end.stopped_at) in closed:
        logger.info("was closed before")
        return {}
    ended = read_ended_run(step_functions, end.execution)
    done: dict[str, Any] = {"told": ended.has_told}
    if end.status != "SUCCEEDED":
        done["cancelled"], done["not_cancelled"] = cancel_commands(ended, regions)
    if to_report := reportable(ended, end):
        notifier = partial(open_notifier, settings, context)
        told = to_report if ended.has_told else report_end(to_report, notifier(), events, logger, now)
        told = retry_unreached(told, notifier)
        done["slack"] = to_json(told.report.slack) if told.report else None
    closed.append((end.execution.arn, end.stopped_at))
    logger.info("closed", extra=done)
    return done
