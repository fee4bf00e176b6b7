"""Cleaning up behind a run that has ended: what it left running on the hosts is cancelled."""

from __future__ import annotations

import time
from typing import Final

from snow_white.aws import run_command
from snow_white.aws.regions import Regions, errors_of, in_each
from snow_white.model.action import Action
from snow_white.model.ended_run import EndedRun

_LISTED_WITHIN_SECONDS: Final = 15


def cancel_commands(ended: EndedRun, regions: Regions) -> tuple[int, list[str]]:
    """Cancel the run's commands that still go on.

    Cancelling ends the hosts' scripts, which only watch: no worker and no job is ended by it. A run without a report
    may have been stopped while it sent, so the commands are listed a second time, when the last ones are shown too.

    Returns:
        How many were cancelled, and a sentence for each region in which that could not be done.
    """
    action = Action.known(ended.request.action)
    if action is None or not ended.plan:
        return 0, []
    cancelled: set[str] = set()

    def cancel(region: str) -> None:
        client = regions.ssm(region)
        listed = {one.id: one for one in run_command.commands_of(client, action, ended.execution)}
        # One that was sent a moment ago may not be listed yet.
        unlisted = [
            run_command.Command(one, (), ended.execution.started_at, ended=False, completed=0)
            for one in ended.commands.get(region, ())
            if one not in listed
        ]
        going = [one for one in [*listed.values(), *unlisted] if not one.ended and one.id not in cancelled]
        run_command.cancel(client, going)
        cancelled.update(one.id for one in going)

    results = in_each((part.region for part in ended.plan), cancel)
    if ended.report is None:
        time.sleep(_LISTED_WITHIN_SECONDS)
        results = in_each((part.region for part in ended.plan), cancel)
    return len(cancelled), [f"{region}: {error}" for region, error in errors_of(results).items()]
