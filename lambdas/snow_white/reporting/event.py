"""The event that tells other systems of a run's end, on the account's default event bus.

    source: "snow-white"
    detail-type: "Snow White Run Ended"
    resources: [ARN of the execution]
    detail:
        version: 1; an incompatible change increases it
        result: "confirmed" or "not_confirmed"; error, cause: null for a confirmed run
        action, application, environments, auto_scaling_groups, tags, regions: from the request; null where it lacks
            them
        instance_ids: the only instances that the request names; null if it names none
        groups: the names of the groups that were found; null for an application
        requested_by: null if it is not known
        execution: {arn, name}
        started_at, ended_at (ISO 8601), duration_seconds
        instances; counts: {verdict: how many}; problems: how many instances are not confirmed

An event may be sent more than once, when the step that sends it is retried. Execution and version identify it.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from snow_white.aws.errors import call_failed
from snow_white.model.limits import LONGEST_TEXT, bounded, cut
from snow_white.model.report import Report
from snow_white.model.run import Execution

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

SOURCE: Final = "snow-white"
DETAIL_TYPE: Final = "Snow White Run Ended"
_MAX_CAUSE: Final = 4_000


def run_ended(report: Report, execution: Execution) -> dict[str, Any]:
    """The event's detail. An event may have 256 KB, so long texts are cut, and problems are only counted."""
    return {
        "version": 1,
        "result": report.result.value,
        "error": report.error if report.error is None else cut(report.error, LONGEST_TEXT),
        "cause": report.cause if report.cause is None else cut(report.cause, _MAX_CAUSE),
        "action": bounded(report.action),
        "application": bounded(report.application),
        "environments": bounded(report.environments),
        "auto_scaling_groups": bounded(report.auto_scaling_groups),
        "tags": bounded(report.tags),
        "instance_ids": bounded(report.instance_ids),
        "groups": bounded(report.groups),
        "regions": bounded(report.regions),
        "requested_by": bounded(report.requested_by),
        "started_at": _iso(report.started_at),
        "ended_at": _iso(report.ended_at),
        "duration_seconds": report.duration_seconds,
        "instances": report.instances,
        "counts": dict(report.counts),
        "problems": len(report.problems) + report.more_problems,
        "execution": {"arn": execution.arn, "name": execution.name},
    }


def publish(client: EventBridgeClient, report: Report, execution: Execution) -> str | None:
    """Send the event to the default bus; None, or a sentence that says why it failed. Nothing is raised."""
    detail = json.dumps(run_ended(report, execution))
    try:
        answer = client.put_events(
            Entries=[
                {
                    "Source": SOURCE,
                    "DetailType": DETAIL_TYPE,
                    "Resources": [execution.arn],
                    "Detail": detail,
                }
            ]
        )
    except Exception as error:
        if not call_failed(error):
            raise
        return f"The event about the run's end could not be sent: {error!r:.200}."
    if "FailedEntryCount" not in answer:
        return "EventBridge's answer about the event about the run's end could not be read."
    if answer["FailedEntryCount"]:
        entry = answer["Entries"][0]
        reason = entry.get("ErrorMessage") or entry.get("ErrorCode")
        return f"EventBridge refused the event about the run's end: {reason}."
    return None


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
