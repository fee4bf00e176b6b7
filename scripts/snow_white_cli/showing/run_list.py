"""The list of recent runs. Step Functions keeps executions for 90 days."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from snow_white.model.slack_ids import is_member_id
from snow_white.model.stated_request import StatedRequest
from snow_white.requester.caller import slack_user
from snow_white_cli.runs import FollowedRun
from snow_white_cli.showing.layout import fits, joined, print_indented, print_title, print_whole
from snow_white_cli.showing.progress import clock
from snow_white_cli.showing.visible_text import visible

_TITLE: Final = "Runs of Snow White"
_RUNNING: Final = "RUNNING"
_RESULTS: Final = {
    "RUNNING": ("running", "bold"),
    "SUCCEEDED": ("confirmed", "green"),
    "FAILED": ("failed", "red"),
    "ABORTED": ("stopped", "yellow"),
    "TIMED_OUT": ("timed out", "red"),
}


@dataclass(frozen=True)
class RecentRun:
    """One execution. Times are ISO 8601; `error` and `cause` are None unless it failed.

    `application` has the groups or tags if the request names these in its place.
    """

    name: str
    status: str
    started_at: str
    ended_at: str | None
    action: str
    application: str
    requested_by: str
    error: str | None
    cause: str | None


def recent_runs(client: Any, state_machine_arn: str, count: int) -> list[RecentRun]:
    """At most `count` runs, the newest first."""
    pages = client.get_paginator("list_executions").paginate(
        stateMachineArn=state_machine_arn, PaginationConfig={"PageSize": min(count, 100)}
    )
    found = islice((one for page in pages for one in page["executions"]), count)
    return [_describe(FollowedRun(client, one["executionArn"])) for one in found]


def runs_json(runs: Sequence[RecentRun]) -> str:
    """The runs as a JSON list of objects with the fields of RecentRun."""
    return json.dumps([asdict(run) for run in runs], indent=2)


def print_runs(console: Console, runs: Sequence[RecentRun], now: datetime) -> None:
    """Print the runs. Each name is whole and on one line, because `follow` needs it."""
    if fits(console, table := _table(runs, now)):
        console.print(table)
        return
    print_title(console, _TITLE)
    for run in runs:
        print_whole(console, Text(visible(run.name), "bold"))
        print_indented(console, joined(_cells(run, now)))


def _table(runs: Sequence[RecentRun], now: datetime) -> Table:
    table = Table(title=_TITLE, title_justify="left", box=box.SIMPLE_HEAD)
    for column in ("Started (UTC)", "Action", "Application", "Result", "Took", "Asked by", "Name"):
        table.add_column(column, no_wrap=True, justify="right" if column == "Took" else "left")
    for run in runs:
        table.add_row(*_cells(run, now), Text(visible(run.name)))
    return table


def _cells(run: RecentRun, now: datetime) -> list[Text]:
    """When the run started, action, application, result, how long it took, and the requester."""
    started = datetime.fromisoformat(run.started_at)
    ended = datetime.fromisoformat(run.ended_at) if run.ended_at else now
    word, style = _RESULTS.get(run.status, (run.status, ""))
    result = f"{word}: {run.error}" if run.error and run.status == "FAILED" else word
    return [
        Text(f"{started.astimezone(UTC):%m-%d %H:%M}"),
        Text(visible(run.action)),
        Text(visible(run.application)),
        Text(visible(result), style=style),
        Text(clock(ended - started)),
        Text(visible(run.requested_by)),
    ]


def _describe(run: FollowedRun) -> RecentRun:
    described = run.describe()
    request = read_request(described.get("input"))
    stopped = described.get("stopDate")
    return RecentRun(
        name=run.name,
        status=described["status"],
        started_at=described["startDate"].isoformat(),
        ended_at=stopped.isoformat() if stopped and described["status"] != _RUNNING else None,
        action=str(request.get("action") or ""),
        application=StatedRequest.read(request).fleet_name or str(request.get("application") or ""),
        requested_by=_requester(request),
        error=described.get("error"),
        cause=described.get("cause"),
    )


def _requester(request: Mapping[str, Any]) -> str:
    named, member = request.get("requested_by"), request.get("slack_user")
    return str(named or (slack_user(member) if is_member_id(member) else ""))


def read_request(text: str | None) -> Mapping[str, Any]:
    """An execution's input, or {} if it is no JSON object: the console accepts any JSON."""
    try:
        request = json.loads(text or "{}")
    except ValueError:
        return {}
    return request if isinstance(request, dict) else {}
