"""AnnounceStart, AnnounceProgress and NotifySlack: show a run's start, progress and end in Slack."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from runtime.clients import SHORT_TIMEOUTS, TABLE_TIMEOUTS, session
from runtime.idempotency import Limits, Once, RunKeys
from runtime.notifier import open_notifier
from runtime.run_end import report_end
from runtime.scheduled_runs import ScheduledRuns
from runtime.settings import Settings
from snow_white.aws.regions import Regions
from snow_white.model.ended_run import EndedRun
from snow_white.model.run import Run
from snow_white.model.serialisation import from_json, to_json
from snow_white.slack.client import LONGEST_CALL_SECONDS
from snow_white.slack.notifier import Notifier
from snow_white.steps.termination import let_go

_PROGRESS_STEPS: Final = ("AnnounceStart", "AnnounceProgress")
# The run waits for these steps. What Slack does not accept in this time is shown by the next progress step.
_PROGRESS_TIME_LIMIT_SECONDS: Final = 30
# How long a retry waits for an invocation that may have died. After that the run continues: the next progress step,
# or close_run, notifies Slack.
_WAIT_SECONDS: Final = 30
_PROGRESS_LIMITS: Final = Limits(work=_PROGRESS_TIME_LIMIT_SECONDS + LONGEST_CALL_SECONDS, wait=_WAIT_SECONDS)

logger = Logger()
settings = Settings.from_env()
regions = Regions(session)
events: Any = session.create_client("events", config=SHORT_TIMEOUTS)
scheduler: Any = session.create_client("scheduler", config=TABLE_TIMEOUTS)
scheduled = ScheduledRuns(settings, scheduler, logger)
once = Once(settings.idempotency_table, session.create_client("dynamodb", config=TABLE_TIMEOUTS), logger)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Takes {step: the state's name, run, redrives}; returns the run, after NotifySlack with its complete report.

    Raises InProgress if another invocation does the same step and does not finish.
    """
    step, state = event["step"], event["run"]
    logger.append_keys(execution=state["execution"]["name"])
    keys = RunKeys(state["execution"]["arn"], event.get("redrives"))
    if step in _PROGRESS_STEPS:
        # The state differs from one progress step to the next: it has the time of the last announcement.
        key = keys.key(step, state=state)
        return once.do(key, partial(announce, state, context), _PROGRESS_LIMITS)
    limits = Limits(work=context.get_remaining_time_in_millis() / 1000, wait=_WAIT_SECONDS)
    return once.do(keys.end, partial(announce_end, state, keys, context), limits)


def announce(state: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The run, after its messages show its newest numbers."""
    notifier = open_notifier(settings, context, _PROGRESS_TIME_LIMIT_SECONDS)
    after = notifier.announce(from_json(state, Run), datetime.now(UTC))
    log_failures(notifier)
    return to_json(after)


def announce_end(state: dict[str, Any], keys: RunKeys, context: LambdaContext) -> dict[str, Any]:
    """The run with its complete report."""
    notifier, now = open_notifier(settings, context), datetime.now(UTC)
    after = report_end(
        from_json(state, EndedRun),
        notifier,
        events,
        logger,
        now,
        once.publishing(keys),
        scheduled,
        partial(let_go, regions=regions),
    )
    log_failures(notifier)
    return to_json(after)


def log_failures(notifier: Notifier) -> None:
    """Log what Slack refused."""
    if notifier.slack.failures:
        logger.warning("Slack not notified", extra={"failures": notifier.slack.failures})
