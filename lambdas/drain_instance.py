"""DrainInstance: start a run for an instance that is about to end, if the setting `drain_on_termination` means it.

An EventBridge rule cannot do this itself: it knows no tags of the instance, by which an environment is told, and no
timeouts of the lifecycle hook, and it cannot name the execution that it starts.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any, Final

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError

from runtime.clients import SHORT_TIMEOUTS, session
from runtime.settings import Settings
from snow_white.aws.errors import code_of
from snow_white.aws.regions import Regions
from snow_white.steps.drain import TerminationEvent, request_for

_STARTED_BEFORE: Final = "ExecutionAlreadyExists"

logger = Logger()
settings = Settings.from_env()
regions = Regions(session)
step_functions: Any = session.create_client("stepfunctions", config=SHORT_TIMEOUTS)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Takes an event about an instance's end; returns {started: the execution's name, or null for no run}.

    EventBridge may deliver an event twice: the second one starts nothing, because the execution's name is taken. An
    error is raised, so that Lambda tries again; in the end the hook's own time lets the instance go.
    """
    ending = TerminationEvent.read(event)
    logger.append_keys(instance=ending.instance, region=ending.region)
    request = None
    if ending.region in settings.defaults.regions:
        request = request_for(ending, regions, settings.drain, datetime.now(UTC))
    if request is None:
        logger.info("left alone", extra={"notice": ending.notice.value})
        return {"started": None}
    try:
        step_functions.start_execution(
            stateMachineArn=os.environ["STATE_MACHINE_ARN"],
            name=ending.execution_name,
            input=json.dumps(request),
        )
    except ClientError as error:
        if code_of(error) != _STARTED_BEFORE:
            raise
    logger.info("started", extra={"execution": ending.execution_name, "request": request})
    return {"started": ending.execution_name}
