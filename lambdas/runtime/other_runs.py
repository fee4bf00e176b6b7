"""Looking for an opposite run that is under way, for the functions that make a run's plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snow_white.aws.errors import call_failed
from snow_white.aws.executions import RunUnderWay, runs_under_way
from snow_white.aws.regions import Regions
from snow_white.model.request import Defaults
from snow_white.model.run import Execution, Run
from snow_white.steps.opposite_run import demand_no_opposite_run

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger
    from mypy_boto3_stepfunctions import SFNClient


def demand_alone(
    run: Run, client: SFNClient, *, regions: Regions, defaults: Defaults, logger: Logger
) -> None:
    """Raise OppositeRunUnderWay if an earlier run undoes what this one, whose plan is complete, does.

    A run for an instance's termination is never refused: the instance ends all the same. If a wake comes after it, the
    end of the run finds the command.
    """
    if run.request.drains_one_that_ends:
        return
    demand_no_opposite_run(run, _other_runs(run.execution, client, logger), defaults, regions)


def _other_runs(execution: Execution, client: SFNClient, logger: Logger) -> list[RunUnderWay]:
    """Best effort: that it cannot be looked up fails no run, since the end is checked for what others have sent."""
    try:
        return runs_under_way(client, execution)
    except Exception as error:
        if not call_failed(error):
            raise
        logger.warning("other runs unknown", extra={"error": str(error)})
        return []
