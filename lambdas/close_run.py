"""CloseRun: after an execution has ended, cancel a failed run's commands and report the end unless the run did."""

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
# EventBridge may deliver an event twice, usually within seconds and so to the same instance of this function.
# The key includes the stop time, because an execution that is redriven ends a second time.
closed: Final[deque[tuple[str, int | None]]] = deque(maxlen=1_000)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Takes a "Step Functions Execution Status Change" event; returns a summary of what was done."""
    now = datetime.now(UTC)
    end = ExecutionEnd.read(event["detail"], now)
    logger.append_keys(execution=end.execution.name)
    if (end.execution.arn, end.stopped_at) in closed:
        logger.info("already closed")
        return {}
    ended = read_ended_run(step_functions, end.execution)
    done: dict[str, Any] = {"told": ended.end_was_announced}
    if end.status != "SUCCEEDED":
        done["cancelled"], done["not_cancelled"] = cancel_commands(ended, regions)
    if to_report := reportable(ended, end):
        notifier = partial(open_notifier, settings, context)
        reported = to_report
        if not ended.end_was_announced:
            reported = report_end(to_report, notifier(), events, logger, now)
        reported = retry_unreached(reported, notifier)
        done["slack"] = to_json(reported.report.slack) if reported.report else None
    closed.append((end.execution.arn, end.stopped_at))
    logger.info("closed", extra=done)
    return done
