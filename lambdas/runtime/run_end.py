"""Reporting the end of a run once: metrics, a log line, an event and Slack messages."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from runtime import metrics
from runtime.scheduled_runs import ScheduledRuns
from snow_white.model.ended_run import EndedRun
from snow_white.model.report import Report
from snow_white.model.serialisation import to_json
from snow_white.model.stopping import RUN_ABORTED
from snow_white.model.termination import Completion, Termination
from snow_white.reporting.advice import what_to_do
from snow_white.reporting.build import failure_report
from snow_white.reporting.errors import read_error
from snow_white.reporting.event import publish
from snow_white.requester.requester import display_name
from snow_white.slack.first_line import summary
from snow_white.slack.notifier import Notifier

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger
    from mypy_boto3_events import EventBridgeClient

_RETRY_PAUSES_SECONDS: Final = (30, 60, 90)

Json = dict[str, Any]
DoOnce = Callable[[Callable[[], Json]], Json]
"""Does a piece of work unless it was done before; returns its result."""
LetGo = Callable[[EndedRun], Completion | None]


def report_end(
    ended: EndedRun,
    notifier: Notifier,
    events: EventBridgeClient,
    logger: Logger,
    now: datetime,
    publish_once: DoOnce = lambda work: work(),
    scheduled: ScheduledRuns | None = None,
    let_go: LetGo = lambda _: None,
) -> EndedRun:
    """Complete the report, and publish it. Slack comes last, because it may be slow.

    Args:
        ended: the run with its report, or with the error that ended it.
        publish_once: does the metrics, the log line and the event, unless an earlier invocation did.
        scheduled: schedules, or withdraws, the runs that follow from this one's end.
        let_go: tells Auto Scaling that an instance may go which has waited for the run.

    Returns:
        The run with the complete report.
    """
    completion = let_go(ended)
    requester = notifier.find_requester(ended)
    report = ended.report or replace(_failed(ended, now), stopped_by=notifier.find_stopper(ended))
    report = replace(report, lease=ended.lease, lifecycle_action=completion)
    report = _complete(report, display_name(requester), ended.request.termination)

    def publish_end() -> Json:
        metrics.emit(ended, report)
        logger.info("ended", extra={"report": to_json(report)})
        failure = publish(events, report, ended.execution)
        if failure:
            logger.warning("event not sent", extra={"failure": failure})
        if scheduled:
            scheduled.after_end(ended, report)
        return {"published": True}

    publish_once(publish_end)
    announced = notifier.announce_end(ended, report, requester)
    if reminder := ended.request.reminder:
        announced = notifier.remind(announced, report, reminder.posts)
    if scheduled:
        scheduled.after_announcement(announced, report)
    return announced


def complete_announcement(ended: EndedRun, open_notifier: Callable[[], Notifier]) -> EndedRun:
    """Retry, with growing pauses, the places that Slack was out of reach for, and the look-up of who stopped the run.

    CloudTrail shows a call some minutes later. `open_notifier` is called before each retry. The retries end when the
    next pause exceeds the time that is left.

    Returns:
        The run with who was notified.
    """
    for pause in _RETRY_PAUSES_SECONDS:
        unreached = ended.slack.unreached or ended.slack.unreminded
        if ended.report is None or not (unreached or _stopper_is_missing(ended)):
            break
        notifier = open_notifier()
        if notifier.slack.time_limit.left <= pause:
            break
        time.sleep(pause)
        if _stopper_is_missing(ended) and (stopper := notifier.find_stopper(ended)):
            report = replace(ended.report, stopped_by=stopper)
            ended = replace(ended, report=replace(report, summary=summary(report)))
            notifier.edit_end(ended)
        if ended.slack.unreached and ended.report:
            ended = notifier.announce_end(ended, ended.report, notifier.find_requester(ended))
        if ended.slack.unreminded and ended.report:
            ended = notifier.remind(ended, ended.report, ended.slack.unreminded)
    return ended


def _stopper_is_missing(ended: EndedRun) -> bool:
    report = ended.report
    return report is not None and report.error == RUN_ABORTED and report.stopped_by is None


def _failed(ended: EndedRun, now: datetime) -> Report:
    so_far = ended.progress if ended.progress.instances else None
    return failure_report(ended.request, ended.execution, *read_error(ended.error), now, so_far)


def _complete(report: Report, requested_by: str, termination: Termination | None) -> Report:
    """The report with its summary, its requester, and advice for each verdict among its problems."""
    advice = {
        verdict: advice
        for verdict in dict.fromkeys(problem.verdict for problem in report.problems)
        if (advice := what_to_do(verdict, report.action, termination))
    }
    return replace(
        report,
        summary=summary(report),
        requested_by=report.requested_by or requested_by or None,
        what_to_do=advice,
    )
