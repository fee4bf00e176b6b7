"""Scheduling looks at a fleet that was put to sleep, until nobody sleeps any more."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from runtime import metrics
from runtime.settings import Settings
from snow_white.aws.run_command import run_parameter
from snow_white.aws.schedules import SchedulerClient, Schedules, fleet_key
from snow_white.model.action import Action
from snow_white.model.ended_run import EndedRun
from snow_white.model.fleet import fleet_name
from snow_white.model.lease import whole_minute
from snow_white.model.reminder import MOST_LOOKS, Reminder
from snow_white.model.report import Report
from snow_white.model.scheduled_request import look_request
from snow_white.model.stated_request import StatedRequest
from snow_white.reporting.sleepers import sleepers

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

_OWNER: Final = "reminder"
_WITHDRAWING_SECONDS: Final = 10


class Reminders:
    """The looks at all fleets, which belong to the newest run of each.

    Each look has a schedule of its own: that of the one before may be about to be deleted.
    """

    def __init__(self, settings: Settings, client: SchedulerClient, logger: Logger) -> None:
        self._after_seconds = settings.remind_after_seconds
        self._schedules = Schedules(client, settings.schedule_group, settings.schedule_role, _OWNER)
        self._logger = logger

    def first(self, ended: EndedRun, report: Report) -> None:
        """After a quiet or a stop that has sent something: schedule the first look, unless a lease wakes the workers.

        An instance that was about to end is not looked at.

        Call it when Slack has been told, because the look replies to the run's messages.
        """
        action = report.known_action
        has_lease = ended.lease is not None and ended.lease.wakes_at is not None
        # A function that dies while it sends leaves no sign of what it has sent.
        may_have_sent = ended.dispatched_at is not None or ended.progress.instances
        if action is None or not action.drains or not may_have_sent or has_lease:
            return
        if not self._after_seconds or report.ended_at is None or ended.request.termination:
            return
        requester = ended.slack.requester
        self._schedule(
            ended,
            Reminder(
                run=run_parameter(ended.execution),
                ended_at=report.ended_at,
                look=1,
                after_seconds=self._after_seconds,
                posts=ended.slack.posts,
                member=requester.member if requester else None,
            ),
        )

    def next(self, ended: EndedRun, report: Report) -> None:
        """After a look: count those who sleep, and schedule the next look if anybody does, or may."""
        reminder = ended.request.reminder
        if reminder is None or report.known_action is not Action.STATUS:
            return
        found = sleepers(report, reminder.name)
        metrics.emit_sleeping(
            found.processes, fleet_name(report.application, report.auto_scaling_groups, report.tags)
        )
        if found.may_sleep and reminder.look < MOST_LOOKS:
            self._schedule(ended, replace(reminder, look=reminder.look + 1))

    def end(self, ended: EndedRun, report: Report) -> None:
        """After a wake of the whole fleet that is confirmed: nobody sleeps, so nobody has to look."""
        if not report.confirmed or report.known_action is not Action.WAKE or ended.request.only_asleep_by:
            return
        until = time.monotonic() + _WITHDRAWING_SECONDS
        failures = []
        for look in range(1, MOST_LOOKS + 1):
            if failure := self._schedules.withdraw(_name(ended.request, look), ended.execution):
                failures.append(failure)
                # A look that is left finds nobody asleep, so the end of the run does not wait for all of them.
                if time.monotonic() > until:
                    break
        if failures:
            self._logger.warning("reminders not withdrawn", extra={"failures": failures})

    def _schedule(self, ended: EndedRun, reminder: Reminder) -> None:
        name = _name(ended.request, reminder.look)
        at = whole_minute(reminder.at)
        failure = self._schedules.put(name, at, look_request(ended.request, reminder), ended.execution)
        if failure:
            self._logger.warning("no reminder", extra={"failure": failure})


def _name(request: StatedRequest, look: int) -> str:
    return f"look-{look}-{fleet_key(request)}"
