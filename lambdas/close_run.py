"""CloseRun: after an execution has ended, cancel a failed run's commands and report the end unless the run did."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from runtime.client_config import SHORT_TIMEOUTS, TABLE_TIMEOUTS
from runtime.idempotency import Limits, Once, RunOccasions
from runtime.notifier import open_notifier
from runtime.run_end import report_end, retry_unreached
from runtime.settings import Settings
from snow_white.aws.execution_history import ExecutionEnd, read_ended_run
from snow_white.aws.regions import Regions
from snow_white.model.ended_run import EndedRun
from snow_white.model.serialisation import from_json, to_json
from snow_white.reporting.errors import reportable
from snow_white.steps.clean_up import cancel_commands

logger = Logger()
settings = Settings.from_env()
regions = Regions(boto3.Session())
step_functions = boto3.client("stepfunctions")
events = boto3.client("events", config=SHORT_TIMEOUTS)
once = Once(settings.idempotency_table, boto3.client("dynamodb", config=TABLE_TIMEOUTS), logger)
# In which the end can still be told, after another copy was waited for. If it is not enough, Lambda retries the event.
_TIME_TO_TELL_SECONDS: Final = 60


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Takes a "Step Functions Execution Status Change" event; returns what was done, for the log.

    EventBridge may deliver an event twice. Raises InProgress when another copy is at it and does not end.
    """
    end = ExecutionEnd.read(event["detail"], datetime.now(UTC))
    logger.append_keys(execution=end.execution.name)
    occasions = RunOccasions(end.execution.arn, end.redrives)
    key = occasions.key("close", stopped_at=end.stopped_at)
    return once.do(key, partial(close, end, occasions, context), limits(context))


def close(end: ExecutionEnd, occasions: RunOccasions, context: LambdaContext) -> dict[str, Any]:
    """Cancel and tell what there is; returns what was done."""
    ended = read_ended_run(step_functions, end.execution)
    done: dict[str, Any] = {"told": ended.end_was_announced}
    if end.status != "SUCCEEDED":
        done["cancelled"], done["not_cancelled"] = cancel_commands(ended, regions)
    if to_report := reportable(ended, end):
        told = to_report if ended.end_was_announced else tell_end(to_report, occasions, context)
        told = retry_unreached(told, partial(open_notifier, settings, context))
        done["slack"] = to_json(told.report.slack) if told.report else None
    logger.info("closed", extra=done)
    return done


def tell_end(ended: EndedRun, occasions: RunOccasions, context: LambdaContext) -> EndedRun:
    """The run with its complete report, also when NotifySlack told it and could not say so any more."""

    def report() -> dict[str, Any]:
        notifier = open_notifier(settings, context)
        count_once = once.counting(occasions)
        return to_json(report_end(ended, notifier, events, logger, datetime.now(UTC), count_once))

    return from_json(once.do(occasions.end, report, limits(context)), EndedRun)


def limits(context: LambdaContext) -> Limits:
    """Until this copy ends."""
    seconds = context.get_remaining_time_in_millis() / 1000
    return Limits(work=seconds, wait=seconds - _TIME_TO_TELL_SECONDS)
