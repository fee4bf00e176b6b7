"""Cleaning up behind a run that has ended: what it left running on the hosts is cancelled."""

from __future__ import annotations

from snow_white.aws import run_command
from snow_white.aws.regions import Regions, errors_of, in_each, results_of
from snow_white.model.action import Action
from snow_white.model.ended_run import EndedRun


def cancel_commands(ended: EndedRun, regions: Regions) -> tuple[int, list[str]]:
    """Cancel the run's commands that still go on.

    Cancelling ends the hosts' scripts, which only watch: no worker and no job is ended by it.

    Returns:
        How many were cancelled, and a sentence for each region in which that could not be done.
    """
    action = Action.known(ended.request.action)
    if action is None or not ended.plan:
        return 0, []

    def cancel(region: str) -> int:
        client = regions.ssm(region)
        listed = {one.id: one for one in run_command.commands_of(client, action, ended.execution)}
        # One that was sent a moment ago may not be listed yet.
        unlisted = [
            run_command.Command(one, (), ended.execution.started_at, ended=False, completed=0)
            for one in ended.commands.get(region, ())
            if one not in listed
        ]
        return run_command.cancel(client, [*listed.values(), *unlisted])

    results = in_each((part.region for part in ended.plan), cancel)
    failed = [f"{region}: {error}" for region, error in errors_of(results).items()]
    return sum(results_of(results).values()), failed
