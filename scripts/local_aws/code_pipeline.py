"""CodePipeline, as far as Snow White sees of it: the actions of an execution, and the event of its end.

No pipeline runs here. A test says which actions an execution has had, and how it ends.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from local_aws.engine.events import put_event
from local_aws.engine.ministack import Response, find

_CONTENT_TYPE: Final = {"Content-Type": "application/x-amz-json-1.1"}


class CodePipeline:
    """The service in all regions."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._lock = threading.Lock()
        self._actions: dict[tuple[str, str], list[dict[str, Any]]] = {}

    def install(self, handlers: dict[str, Any]) -> None:
        """Let machines call it by their SDK integration."""
        from ministack.services import stepfunctions

        handlers["codepipeline"] = self.handle
        find(stepfunctions, "_AWS_SDK_SERVICE_MAP")["codepipeline"] = {
            "target_prefix": "CodePipeline_20150709",
            "protocol": "json",
        }
        find(stepfunctions, "_AWS_SDK_ERROR_PREFIX")["codepipeline"] = "CodePipeline"

    async def handle(
        self,
        method: str,  # noqa: ARG002
        path: str,  # noqa: ARG002
        headers: Mapping[str, str],
        body: bytes,
        query_params: Mapping[str, Any],  # noqa: ARG002
    ) -> Response:
        """Answer ListActionExecutions."""
        from ministack.core.responses import get_region

        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        if operation != "ListActionExecutions":
            refusal = {"__type": "InvalidAction", "message": f"{operation} is not answered here."}
            return 400, dict(_CONTENT_TYPE), json.dumps(refusal).encode()
        request = json.loads(body)
        with self._lock:
            rows = self._actions.get((get_region(), request["pipelineName"]), [])
        wanted = request.get("filter", {}).get("pipelineExecutionId")
        found = [row for row in rows if wanted in (None, row["pipelineExecutionId"])]
        answer = {"actionExecutionDetails": found[: request.get("maxResults", 100)]}
        return 200, dict(_CONTENT_TYPE), json.dumps(answer).encode()

    def end(
        self, *, region: str, pipeline: str, execution: str, state: str, actions: Sequence[Sequence[str]]
    ) -> None:
        """End an execution, which has had these actions: for each its name, its status and what it has started.

        AWS has the newest action first, and sends the event to the account's default bus at least once.
        """
        began = datetime.now(UTC).timestamp()
        rows = [
            {
                "pipelineExecutionId": execution,
                "actionExecutionId": str(uuid.uuid4()),
                "pipelineVersion": 1,
                "stageName": "Deploy",
                "actionName": name,
                "startTime": began - len(actions) + number,
                "lastUpdateTime": began,
                "status": status,
                "output": {"executionResult": {"externalExecutionId": started}} if started else {},
            }
            for number, (name, status, started) in enumerate(actions)
        ]
        with self._lock:
            self._actions.setdefault((region, pipeline), [])[:0] = reversed(rows)
        put_event(
            region,
            "aws.codepipeline",
            "CodePipeline Pipeline Execution State Change",
            {"pipeline": pipeline, "execution-id": execution, "state": state, "version": 1},
            [f"arn:aws:codepipeline:{region}:{self._account}:{pipeline}"],
        )
