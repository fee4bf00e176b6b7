"""Finding in CloudTrail who started an execution, or stopped it, for runs of which nothing else says it.

CloudTrail shows an event some minutes after the call, and allows two lookups per second and region. So the lookup
happens at the end of a run only, and takes a few seconds at most.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
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
    try:
        for record in _records(client, "StartExecution", execution.started_at, clock):
            if _named(record, "responseElements") == execution.arn:
                return _caller(record), None
    except Exception as error:
        if not (call_failed(error) or isinstance(error, ValueError)):
            raise
        return None, f"CloudTrail could not be searched for who started this execution: {error}."
    return None, "CloudTrail has no event yet that shows who started this execution."


def find_stopper(
    client: CloudTrailClient,
    execution: Execution,
    stopped_at: datetime,
    clock: Callable[[], float] = time.monotonic,
) -> Caller | None:
    """Who called StopExecution for this execution; None if CloudTrail does not say it, or not yet."""
    try:
        for record in _records(client, "StopExecution", stopped_at, clock):
            if _named(record, "requestParameters") == execution.arn and not record.get("errorCode"):
                return _caller(record)
    except Exception as error:
        if not (call_failed(error) or isinstance(error, ValueError)):
            raise
    return None


def _records(
    client: CloudTrailClient, call: str, at: datetime, clock: Callable[[], float]
) -> Iterator[Mapping[str, Any]]:
    """CloudTrail's records of this call about that time, as many as can be read within a few seconds."""
    request: LookupEventsRequestTypeDef = {
        "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": call}],
        "StartTime": at - _SEARCH_WINDOW,
        "EndTime": at + _SEARCH_WINDOW,
        "MaxResults": 50,
    }
    until = clock() + _TIME_LIMIT_SECONDS
    while True:
        page = client.lookup_events(**request)
        for event in page.get("Events", []):
            yield json.loads(event.get("CloudTrailEvent") or "{}")
        if not page.get("NextToken") or clock() + _PAGE_INTERVAL_SECONDS > until:
            return
        request["NextToken"] = page["NextToken"]
        time.sleep(_PAGE_INTERVAL_SECONDS)


def _named(record: Mapping[str, Any], part: str) -> str | None:
    """The execution's ARN in this part of the record."""
    arn = (record.get(part) or {}).get("executionArn")
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
