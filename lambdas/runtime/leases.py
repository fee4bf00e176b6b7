"""Arranging that workers which a run puts to sleep are woken later, for the functions that begin and end runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from runtime.settings import Settings
from snow_white.aws.run_command import run_parameter
from snow_white.aws.schedules import SchedulerClient, Schedules, fleet_key
from snow_white.model.action import Action
from snow_white.model.ended_run import EndedRun
from snow_white.model.lease import Lease, wake_time
from snow_white.model.report import Report
from snow_white.model.run import Execution, Run
from snow_white.model.scheduled_request import wake_request
from snow_white.model.stated_request import StatedRequest

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

_OWNER: Final = "only_asleep_by"
_SOONEST_SECONDS: Final = 60


class Leases:
    """The leases of all fleets; each is one schedule, named by its fleet."""

    def __init__(self, settings: Settings, client: SchedulerClient, logger: Logger) -> None:
        self._schedules = Schedules(client, settings.schedule_group, settings.schedule_role, _OWNER)
        self._logger = logger

    def arrange(self, run: Run, now: datetime) -> Run:
        """The run with its lease, before its first command is sent: what was sent is never without it.

        One that failed then is tried again later. It still counts from the first command.
        """
        seconds = run.request.wake_after_seconds
        if seconds is None or (run.lease is not None and not run.lease.failure):
            return run
        # Scheduler may refuse a time that is over.
        at = max(wake_time(run.dispatched_at or now, seconds), wake_time(now, _SOONEST_SECONDS))
        requester = run.slack.requester
        request = wake_request(
            run.request,
            run_parameter(run.execution),
            run.execution.name,
            requester.member if requester else None,
            run.request.requested_by or (requester.name if requester else ""),
        )
        failure = self._schedules.put(_name(StatedRequest.of(run.request)), at, request, run.execution)
        if failure:
            self._logger.warning("no lease", extra={"failure": failure})
        return replace(run, lease=Lease(failure=failure) if failure else Lease(at))

    def withdraw_earlier(self, request: StatedRequest, execution: Execution) -> None:
        """Delete the lease that an earlier run has left for the same fleet.

        A wake by a lease that could not be deleted is harmless: hosts know which run has put them to sleep.
        """
        if failure := self._schedules.withdraw(_name(request), execution):
            self._logger.warning("lease not withdrawn", extra={"failure": failure})

    def after_end(self, ended: EndedRun, report: Report) -> None:
        """A wake that is confirmed leaves nobody to wake later; one that is not keeps the lease."""
        if report.confirmed and report.known_action is Action.WAKE and not ended.request.only_asleep_by:
            self.withdraw_earlier(ended.request, ended.execution)


def _name(request: StatedRequest) -> str:
    return f"wake-{fleet_key(request)}"
