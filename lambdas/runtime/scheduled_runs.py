"""What the end of a run means for the runs that are scheduled after it: leases and looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.leases import Leases
from runtime.reminders import Reminders
from runtime.settings import Settings
from snow_white.aws.schedules import SchedulerClient
from snow_white.model.ended_run import EndedRun
from snow_white.model.report import Report

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger


class ScheduledRuns:
    """For the functions that report the end of runs."""

    def __init__(self, settings: Settings, client: SchedulerClient, logger: Logger) -> None:
        self._leases = Leases(settings, client, logger)
        self._reminders = Reminders(settings, client, logger)

    def after_end(self, ended: EndedRun, report: Report) -> None:
        """A confirmed wake ends leases and looks; a look leads to the next one."""
        self._leases.after_end(ended, report)
        self._reminders.end(ended, report)
        self._reminders.next(ended, report)

    def after_announcement(self, ended: EndedRun, report: Report) -> None:
        """A quiet or a stop leads to the first look, which replies to the run's messages in Slack."""
        self._reminders.first(ended, report)
