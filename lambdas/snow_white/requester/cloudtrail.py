"""Finding in CloudTrail who started an execution, for runs whose request does not say it.

CloudTrail shows an event some minutes after the call, and allows two lookups per second and region. So the lookup
happens at the end of a run only, and takes a few seconds at most.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.config import Config

from snow_white.aws.errors import call_failed
from snow_white.model.run import Execution
from snow_white.requester.caller import Caller, read_caller, read_service

if TYPE_CHECKING:
    from mypy_boto3_cloudtrail import CloudTrailClient
    from mypy_boto3_cloudtrail.type_defs import LookupEventsRequestTypeDef

SHORT_TIMEOUT_WITHOUT_RETRY: Final = Config(
    connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 1, "mode": "standard"}
)
"""The client's configuration: the end of a run must not wait for CloudTrail."""

_TIME_LIMIT_SECONDS: Final = 4.0
_PAGE_INTERVAL_SECONDS: Final = 0.6
# Calls from these consoles name a service, but the identity is the person's own.
_CONSOLES: Final = frozenset({"AWS Internal", "cloudshell.amazonaws.com"})
_SEARCH_WINDOW: Final = timedelta(minutes=2)


def find_caller(
    client: CloudTrailClient, execution: Execution, clock: Callable[[], float] = time.monotonic
) -> tuple[Caller | None, str | None]:
    """Find who called StartExecution for this execution.

    Returns:
        The caller and None, or None and a sentence that says why the caller is not known.
    """
    request: LookupEventsRequestTypeDef = {
        "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "StartExecution"}],
        "StartTime": execution.started_at - _SEARCH_WINDOW,
        "EndTime": execution.started_at + _SEARCH_WINDOW,
        "MaxResults": 50,
    }
    until = clock() + _TIME_LIMIT_SECONDS
    try:
        while True:
            page = client.lookup_events(**request)
            for event in page.get("Events", []):
                record = json.loads(event.get("CloudTrailEvent") or "{}")
                if _started_execution(record) == execution.arn:
                    return _caller(record), None
            if not page.get("NextToken") or clock() + _PAGE_INTERVAL_SECONDS > until:
                return None, "CloudTrail has no event yet that shows who started this execution."
            request["NextToken"] = page["NextToken"]
            time.sleep(_PAGE_INTERVAL_SECONDS)
    except Exception as error:
        if not (call_failed(error) or isinstance(error, ValueError)):
            raise
        return None, f"CloudTrail could not be searched for who started this execution: {error}."


def _started_execution(record: Mapping[str, Any]) -> str | None:
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
