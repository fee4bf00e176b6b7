"""What happens once at the end of every run, whoever notices the end: it is counted, announced and told."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from runtime import metrics as run_metrics
from snow_white.model.run import Execution
from snow_white.reporting.advice import what_to_do
from snow_white.reporting.errors import read_error
from snow_white.reporting.event import publish
from snow_white.reporting.report import failure_report
from snow_white.slack.message import summary
from snow_white.slack.notifier import Teller, unreached

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger
    from mypy_boto3_events import EventBridgeClient

_PAUSES: Final = (30, 60, 90)  # seconds


def end_run(
    state: Mapping[str, Any], teller: Teller, events: EventBridgeClient, logger: Logger, now: datetime
) -> dict[str, Any]:
    """Complete the report, and let everybody know.

    Metrics, the log's line and the event come before Slack, which may take its time.

    Args:
        state: the run's state, with its `report`; or, when an error ended the run, as far as it came, with `error` as
            the state machine caught it.

    Returns:
        The state with the complete report.
    """
    execution = Execution.from_json(state["execution"])
    invoker = teller.who_asked(state)
    report = _complete(state.get("report") or _failed(state, execution, now), invoker.known_as)
    run_metrics.emit(state, report)
    logger.info("ended", extra={"report": report})
    not_sent = publish(events, report, execution)
    if not_sent:
        logger.warning("not sent", extra={"failure": not_sent})
    return teller.end(state, report, invoker)


def tell_the_rest(state: dict[str, Any], open_teller: Callable[[], Teller]) -> dict[str, Any]:
    """Try again, after growing pauses, to tell those whom Slack could not be reached for; the state after it."""
    for pause in _PAUSES:
        if not unreached(state):
            break
        teller = open_teller()
        if teller.slack.patience.left <= pause:
            break
        time.sleep(pause)
        state = teller.end(state, state["report"], teller.who_asked(state))
    return state


def _failed(state: Mapping[str, Any], execution: Execution, now: datetime) -> dict[str, Any]:
    request = state["request"] if isinstance(state.get("request"), Mapping) else {}
    return failure_report(request, execution, *read_error(state.get("error") or {}), now)


def _complete(report: Mapping[str, Any], asked_by: str) -> dict[str, Any]:
    """With a sentence on top for whoever opens the output in the console, and advice for each verdict in it."""
    advice = {
        verdict: advice
        for verdict in dict.fromkeys(row["verdict"] for row in report["problems"])
        if (advice := what_to_do(verdict, report.get("action")))
    }
    return {
        "summary": summary(report),
        **report,
        "requested_by": report.get("requested_by") or asked_by or None,
        "what_to_do": advice,
    }
