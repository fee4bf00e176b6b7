"""PollCommand: read the commands' progress, and judge the instances once the commands have ended."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from runtime.clients import session
from runtime.settings import Settings
from snow_white.aws.regions import Regions
from snow_white.judgement.assessment import Assessment
from snow_white.model.run import Run
from snow_white.model.serialisation import from_json, to_json
from snow_white.steps.long_poll import long_poll

logger = Logger()
regions = Regions(session, Settings.from_env().sees_terminations)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Takes {step, run}; returns the run with its outcome, and with the report when it is finished."""
    run = from_json(event["run"], Run)
    logger.append_keys(execution=run.execution.name)
    after = long_poll(run, regions, lambda: datetime.now(UTC), time.sleep, log_verdict)
    logger.info(
        "polled",
        extra={
            "outcome": after.outcome,
            "progress": to_json(after.progress),
            "wait_seconds": after.wait_seconds,
        },
    )
    return to_json(after)


def log_verdict(region: str, assessment: Assessment) -> None:
    """Write one log line with an instance's verdict, at the end of a run."""
    judgement = assessment.judgement
    logger.info(
        "verdict",
        extra={
            "region": region,
            "environment": assessment.instance.group,
            "instance": assessment.instance.id,
            "verdict": judgement.verdict.value,
            "reason": judgement.reason,
            "jobs": sum(process.busy for process in judgement.processes),
        },
    )
