"""For every run that has ended: cancel what a failed one left, and tell Slack unless the run itself did."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from runtime.client_config import BRIEFLY
from runtime.notifier import open_teller
from runtime.run_end import end_run, tell_the_rest
from runtime.settings import Settings
from snow_white.aws.regions import Regions
from snow_white.steps.clean_up import cancel_remains, execution_of, has_told, newest_state, state_to_tell

logger = Logger()
settings = Settings.from_env()
regions = Regions(boto3.Session())
step_functions = boto3.client("stepfunctions")
events = boto3.client("events", config=BRIEFLY)
# EventBridge may deliver an event twice, mostly soon after each other and so to the same copy of this function.
# The time is part of it because an execution that is redriven ends once more.
closed: Final[deque[tuple[str, int | None]]] = deque(maxlen=1_000)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Takes a "Step Functions Execution Status Change" event; returns what was done, for the log."""
    detail = event["detail"]
    now = datetime.now(UTC)
    execution = execution_of(detail, now)
    logger.append_keys(execution=execution.name)
    end = (execution.arn, detail.get("stopDate"))
    if end in closed:
        logger.info("was closed before")
        return {}
    state = newest_state(step_functions, execution.arn)
    done: dict[str, Any] = {"told": has_told(state)}
    if detail["status"] != "SUCCEEDED":
        done["cancelled"], done["not_cancelled"] = cancel_remains(state, execution, regions)
    if to_tell := state_to_tell(state, execution, detail):
        teller = partial(open_teller, settings, context)
        ended = to_tell if done["told"] else end_run(to_tell, teller(), events, logger, now)
        done["slack"] = tell_the_rest(ended, teller)["report"]["slack"]
    closed.append(end)
    logger.info("closed", extra=done)
    return done
