"""DiscoverInstances: validate the request, and plan the run."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from runtime.clients import SHORT_TIMEOUTS, session
from runtime.other_runs import demand_alone
from runtime.settings import Settings
from snow_white.aws.executions import OppositeRunUnderWay
from snow_white.aws.regions import Regions
from snow_white.model.request import Request
from snow_white.model.run import Execution, Run
from snow_white.model.serialisation import from_json, to_json
from snow_white.steps.discover import discover

logger = Logger()
settings = Settings.from_env()
regions = Regions(session)
step_functions: Any = session.create_client("stepfunctions", config=SHORT_TIMEOUTS)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Takes {step, run: {request: the execution's input, execution}}; returns the run with its plan."""
    raw = event["run"]
    execution = from_json(raw["execution"], Execution)
    logger.append_keys(execution=execution.name)
    request = Request.parse(raw["request"], settings.defaults)
    found = discover(request, regions)
    run = Run.planned(execution, request, found.plan, found.waiting_for, found.unsent)
    if run.plan:
        try:
            demand_alone(run, step_functions, regions=regions, defaults=settings.defaults, logger=logger)
        except OppositeRunUnderWay as other:
            if not run.waits_for_others:
                raise
            run = run.waiting_for_run(str(other))
    logger.info(
        "planned", extra={"plan": [to_json(part) for part in run.plan], "waiting_for": dict(run.waiting_for)}
    )
    return to_json(run)
