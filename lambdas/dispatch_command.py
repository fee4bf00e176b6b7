"""DispatchCommand: send the action's document to the instances that need it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from runtime.clients import SHORT_TIMEOUTS, session
from runtime.leases import Leases
from runtime.other_runs import demand_alone
from runtime.settings import Settings
from snow_white.aws.regions import Regions
from snow_white.model.run import Run
from snow_white.model.serialisation import from_json, to_json
from snow_white.model.stated_request import StatedRequest
from snow_white.steps.dispatch import dispatch

logger = Logger()
settings = Settings.from_env()
regions = Regions(session, settings.sees_terminations)
step_functions: Any = session.create_client("stepfunctions", config=SHORT_TIMEOUTS)
scheduler: Any = session.create_client("scheduler", config=SHORT_TIMEOUTS)
leases = Leases(settings, scheduler, logger)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Takes {step, run}; returns the run with the ids of the sent commands."""
    run = from_json(event["run"], Run)
    logger.append_keys(execution=run.execution.name)
    alone = partial(
        demand_alone, client=step_functions, regions=regions, defaults=settings.defaults, logger=logger
    )
    after = dispatch(run, regions, datetime.now(UTC), alone, leases.arrange)
    if began_without_lease(run, after):
        leases.withdraw_earlier(StatedRequest.of(run.request), run.execution)
    logger.info("sent", extra={"sending": after.sendings, "commands": dict(after.commands)})
    return to_json(after)


def began_without_lease(before: Run, after: Run) -> bool:
    """Whether the run has now begun to put workers to sleep without a lease, which ends an earlier one."""
    began = before.dispatched_at is None and after.dispatched_at is not None
    return began and before.request.action.drains and before.request.wake_after_seconds is None
