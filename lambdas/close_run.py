"""CloseRun: after an execution has ended, cancel a failed run's commands and report the end unless the run did."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from runtime.clients import SHORT_TIMEOUTS, TABLE_TIMEOUTS, session
from runtime.idempotency import Limits, Once, RunKeys
from runtime.notifier import open_notifier
from runtime.run_end import complete_announcement, report_end
from runtime.scheduled_runs import ScheduledRuns
from runtime.settings import Settings
from snow_white.aws.execution_history import ExecutionEnd, read_ended_run
from snow_white.aws.regions import Regions
from snow_white.model.ended_run import EndedRun
from snow_white.model.serialisation import from_json, to_json
from snow_white.reporting.errors import reportable
from snow_white.steps.clean_up import cancel_commands
from snow_white.steps.termination import let_go

logger = Logger()
settings = Settings.from_env()
regions = Regions(session)
step_functions: Any = session.create_client("stepfunctions")
events: Any = session.create_client("events", config=SHORT_TIMEOUTS)
scheduler: Any = session.create_client("scheduler", config=TABLE_TIMEOUTS)
scheduled = ScheduledRuns(settings, scheduler, logger)
once = Once(settings.idempotency_table, session.create_client("dynamodb", config=TABLE_TIMEOUTS), logger)
# Kept for reporting the end, with cancelling and Slack, after another invocation was waited for. If it is not enough,
# Lambda retries the event.
_REPORTING_SECONDS: Final = 120


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Takes a "Step Functions Execution Status Change" event; returns a summary of what was done.

    EventBridge may deliver an event twice. Raises InProgress if another invocation handles it and does not finish.
    """
    end = ExecutionEnd.read(event["detail"], datetime.now(UTC))
    logger.append_keys(execution=end.execution.name)
    keys = RunKeys(end.execution.arn, end.redrives)
    key = keys.key("close", stopped_at=end.stopped_at)
    return once.do(key, partial(close, end, keys, context), limits(context))


def close(end: ExecutionEnd, keys: RunKeys, context: LambdaContext) -> dict[str, Any]:
    """Cancel a failed run's commands and report the end; returns a summary."""
    ended = read_ended_run(step_functions, end.execution)
    done: dict[str, Any] = {"told": ended.end_was_announced}
    if end.status != "SUCCEEDED":
        done["cancelled"], done["not_cancelled"] = cancel_commands(ended, regions)
    if to_report := reportable(ended, end):
        reported = to_report if ended.end_was_announced else report(to_report, keys, context)
        reported = complete_announcement(reported, partial(open_notifier, settings, context))
        done["slack"] = to_json(reported.report.slack) if reported.report else None
    if instance_waits(ended):
        done["lifecycle_action"] = to_json(let_go(ended, regions))
    logger.info("closed", extra=done)
    return done


def instance_waits(ended: EndedRun) -> bool:
    """Whether the run has reported its end, but could not tell Auto Scaling that the instance may go."""
    completion = ended.report.lifecycle_action if ended.report else None
    return completion is not None and completion.instance_waits


def report(ended: EndedRun, keys: RunKeys, context: LambdaContext) -> EndedRun:
    """The run with its complete report, which NotifySlack may have made without being able to return it."""

    def work() -> dict[str, Any]:
        notifier, now = open_notifier(settings, context), datetime.now(UTC)
        going = partial(let_go, regions=regions)
        after = report_end(ended, notifier, events, logger, now, once.publishing(keys), scheduled, going)
        return to_json(after)

    return from_json(once.do(keys.end, work, limits(context)), EndedRun)


def limits(context: LambdaContext) -> Limits:
    """The time that this invocation has left."""
    seconds = context.get_remaining_time_in_millis() / 1000
    return Limits(work=seconds, wait=seconds - _REPORTING_SECONDS)
