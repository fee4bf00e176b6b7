"""Who started an execution, from CloudTrail: for runs whose request does not say it.

An event is there some minutes after the call, and only two lookups a second are allowed for the whole region, so this
is tried at the end of a run only, for a few seconds, and what it does not find is not known.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from snow_white.model.run import Execution
from snow_white.requester.caller import Caller, read_caller, read_service

if TYPE_CHECKING:
    from mypy_boto3_cloudtrail import CloudTrailClient
    from mypy_boto3_cloudtrail.type_defs import LookupEventsRequestTypeDef

ONE_QUICK_TRY: Final = Config(
    connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 1, "mode": "standard"}
)
"""For the client: no answer is better than a late one."""

_SECONDS: Final = 4.0
_BETWEEN_PAGES: Final = 0.6
# Where people click: the session is their own.
_CONSOLES: Final = frozenset({"AWS Internal", "cloudshell.amazonaws.com"})
_AROUND_THE_START: Final = timedelta(minutes=2)


def find_caller(
    client: CloudTrailClient, execution: Execution, clock: Callable[[], float] = time.monotonic
) -> tuple[Caller | None, str | None]:
    """Who called StartExecution for this execution.

    Returns:
        The caller and None, or None and a sentence that says why they are not known.
    """
    request: LookupEventsRequestTypeDef = {
        "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "StartExecution"}],
        "StartTime": execution.started_at - _AROUND_THE_START,
        "EndTime": execution.started_at + _AROUND_THE_START,
        "MaxResults": 50,
    }
    until = clock() + _SECONDS
    try:
        while True:
            page = client.lookup_events(**request)
            for event in page.get("Events", []):
                record = json.loads(event.get("CloudTrailEvent") or "{}")
                if _started(record) == execution.arn:
                    return _caller(record), None
            if not page.get("NextToken") or clock() + _BETWEEN_PAGES > until:
                return None, "CloudTrail does not show (yet) who started this execution."
            request["NextToken"] = page["NextToken"]
            time.sleep(_BETWEEN_PAGES)
    except (ClientError, BotoCoreError, ValueError) as error:
        return None, f"CloudTrail could not be asked who started this execution: {error}."


def _started(record: Mapping[str, Any]) -> str | None:
    arn = (record.get("responseElements") or {}).get("executionArn")
    return arn if isinstance(arn, str) else None


def _caller(record: Mapping[str, Any]) -> Caller | None:
    identity = record.get("userIdentity") or {}
    arn = str(identity.get("arn") or "")
    service = str(identity.get("invokedBy") or "")
    if not service and str(record.get("sourceIPAddress", "")).endswith(".amazonaws.com"):
        service = str(record["sourceIPAddress"])
    if service and service not in _CONSOLES:
        return read_service(service, arn)
    return read_caller(arn) if arn else None
