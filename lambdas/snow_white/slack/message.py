"""A run's Slack message: at its start, while it goes on, and at its end.

The first line says all: it is the message's text, which notifications show, and its first block. The details are in an
attachment, because only attachments have a colour. Limits of Block Kit: 3,000 UTF-16 units of text for a section and
2,000 for a field. All text of a message stays far below the 12,000 or so at which Slack answers msg_blocks_too_long.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from snow_white.aws.console import execution_url
from snow_white.model.ended_run import EndedRun
from snow_white.model.lease import Lease
from snow_white.model.report import Report, Stated
from snow_white.model.run import Execution, Run
from snow_white.model.slack_state import Requester
from snow_white.model.stated_request import StatedRequest
from snow_white.model.stopping import RUN_ABORTED, RUN_TIMED_OUT
from snow_white.model.termination import Completion
from snow_white.slack.buttons import final_buttons, working_buttons
from snow_white.slack.first_line import final_line, others, working_line
from snow_white.slack.fleet_state import fleet_state
from snow_white.slack.problems import problem_sections
from snow_white.slack.table import MAX_ROWS, Row, columns, more, table
from snow_white.slack.text import duration, escaped, length, local_time, plain, progress_bar

_MAX_FIRST_LINE: Final = 300
_MAX_FIELD: Final = 300
_MAX_CAUSE: Final = 1_500
_REGIONS_SHOWN: Final = 5
_BLUE: Final = "#3aa3e3"
_YELLOW: Final = "#ecb22e"
_GREEN: Final = "#2eb67d"
_RED: Final = "#e01e5a"

Block = dict[str, Any]


@dataclass(frozen=True)
class Message:
    """The content for chat.postMessage and chat.update: `text` for notifications, `attachments` with the details."""

    text: str
    attachments: tuple[dict[str, Any], ...] = ()

    @property
    def blocks(self) -> list[Block]:
        """The text as the first block."""
        return [_section(self.text)]


def working_message(run: Run, requester: Requester, *, slash_command: bool = False) -> Message:
    """The message while the run goes on. With the slash command it has buttons."""
    progress = run.progress
    groups = (one.name for part in run.plan for one in part.groups)
    fields = [
        *_scope(run.request.fleet.group_word, groups, (part.region for part in run.plan)),
        ("Asked by", _requested_by(requester)),
        ("Started", local_time(run.execution.started_at)),
        ("Deadline", local_time(run.deadline) if run.deadline else ""),
        *_lease(run.lease),
    ]
    blocks = [
        _section(progress_bar(progress.confirmed, progress.instances)),
        *_fields(fields),
        *_unavailable_regions(run),
        *_stragglers(run),
    ]
    if slash_command:
        blocks += working_buttons(StatedRequest.of(run.request), run.execution)
    waiting = run.waiting_for or run.stragglers.listed
    return _message(working_line(run), blocks, _YELLOW if waiting else _BLUE, run.execution)


def final_message(
    report: Report, ended: EndedRun, requester: Requester, *, slash_command: bool = False
) -> Message:
    """The message at the end: the state of the fleet and, if the run is not confirmed, its problems with advice.

    Args:
        slash_command: whether people use Snow White in Slack, too; the message then has buttons.
    """
    first_line = final_line(report)
    fields = [
        *_scope(report.group_word, report.groups or _texts(report.environments), _texts(report.regions)),
        ("Asked by", _requested_by(requester)),
        ("Started", local_time(ended.execution.started_at)),
        ("Took", "" if report.confirmed else duration(report.duration_seconds)),
        *_lease(report.lease),
        *_completion(report.lifecycle_action),
    ]
    texts = [
        fleet_state(report, ended.request, slash_command=slash_command),
        *_details(report, first_line),
    ]
    blocks = [*(_section(text) for text in texts if text), *_fields(fields)]
    if slash_command and ended.request.termination is None:
        blocks += final_buttons(report, ended.request)
    return _message(first_line, blocks, _final_colour(report), ended.execution)


def final_reply(report: Report, requester: Requester) -> str:
    """The reply in the message's thread. It mentions the requester, because an edit notifies nobody."""
    mention = f"<@{requester.member}> " if requester.member else ""
    until = (
        f". They will be woken {local_time(wakes_at)} if nobody does it before"
        if (wakes_at := report.lease.wakes_at if report.lease else None)
        else ""
    )
    return f"{mention}{escaped(final_line(report), _MAX_FIRST_LINE)}{until}"


def _lease(lease: Lease | None) -> list[tuple[str, str]]:
    """When the workers will be woken, or why they will not be."""
    if lease is None:
        return []
    if lease.wakes_at is None:
        return [("Will NOT be woken", escaped(lease.failure, _MAX_FIELD - 20))]
    return [("Will be woken", f"{local_time(lease.wakes_at)}, if nobody does it before")]


def _completion(completion: Completion | None) -> list[tuple[str, str]]:
    """What went wrong with the lifecycle action of an instance that is about to end."""
    if completion is None or not completion.failures:
        return []
    return [("Lifecycle hook", escaped(" ".join(completion.failures), _MAX_FIELD - 20))]


def _details(report: Report, first_line: str) -> list[str]:
    if report.confirmed:
        besides = others(report)
        return [f"Not counted: {escaped(besides, _MAX_FIELD)}"] if besides else []
    if report.error == RUN_ABORTED and report.stopped_by:
        return []
    if problems := problem_sections(report):
        return problems
    cause = report.cause or ""
    return [] if plain(cause, _MAX_CAUSE) in first_line else [escaped(cause, _MAX_CAUSE)]


def _final_colour(report: Report) -> str:
    if report.confirmed:
        return _GREEN
    # Neither is a failure of the workers or of Snow White.
    return _YELLOW if report.error in (RUN_ABORTED, RUN_TIMED_OUT) else _RED


def _message(first_line: str, blocks: Iterable[Block], colour: str, execution: Execution) -> Message:
    # Not a button: one with an address makes Slack ask for an interactivity URL, and warn where there is none.
    link = f"<{execution_url(execution.arn)}|Open the execution>"
    attachment = {
        "color": colour,
        "fallback": plain(first_line, _MAX_FIRST_LINE),
        "blocks": [*blocks, {"type": "context", "elements": [_mrkdwn(link)]}],
    }
    return Message(escaped(first_line, _MAX_FIRST_LINE), (attachment,))


def _section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text)}


def _fields(named: Iterable[tuple[str, str]]) -> list[Block]:
    """A section with a field for each (name, text) whose text is not empty."""
    shown = [_mrkdwn(f"*{name}*\n{text}") for name, text in named if text]
    return [{"type": "section", "fields": shown}] if shown else []


def _mrkdwn(text: str) -> dict[str, Any]:
    """Text with markup. `verbatim` keeps Slack from turning names into links or mentions."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _requested_by(requester: Requester) -> str:
    """A mention of the Slack member, or the requester's name in AWS."""
    if requester.member is None:
        return escaped(requester.name, _MAX_FIELD - 20)
    name = f" ({escaped(requester.name, _MAX_FIELD // 2)})" if requester.name else ""
    return f"<@{requester.member}>{name}"


def _scope(word: str, groups: Iterable[str], regions: Iterable[str]) -> list[tuple[str, str]]:
    return [
        (f"{word}s", _listed(sorted(set(groups)))),
        ("Regions", _listed(sorted(set(regions)))),
    ]


def _listed(names: list[str]) -> str:
    """The names that fit, and the number of the others."""
    shown: list[str] = []
    for name in names:
        line = ", ".join([*shown, escaped(name, _MAX_FIELD // 2)])
        if length(line) > _MAX_FIELD - 20:
            return f"{', '.join(shown)} and {len(names) - len(shown)} more"
        shown.append(escaped(name, _MAX_FIELD // 2))
    return ", ".join(shown)


def _texts(value: Stated) -> list[str]:
    """The texts in a stated value, which may be a text, a list of texts, or anything else."""
    values = value if isinstance(value, tuple) else [value]
    return [one for one in values if isinstance(one, str) and one.strip()]


def _unavailable_regions(run: Run) -> list[Block]:
    """The regions without which nothing is sent, each with what it said last."""
    if not run.waiting_for:
        return []
    reasons = [escaped(why, _MAX_FIELD) for _, why in sorted(run.waiting_for.items())][:_REGIONS_SHOWN]
    return [_section("\n".join(["*Nothing is sent before these regions answer*", *reasons]))]


def _stragglers(run: Run) -> list[Block]:
    known = run.stragglers
    if not known.listed or known.known_at is None:
        return []
    rows = [
        Row(one.environment, one.instance, "?" if one.jobs is None else str(one.jobs))
        for one in known.listed[:MAX_ROWS]
    ]
    total = len(known.listed) + known.more
    heading = f"*{total} still busy* ({local_time(known.known_at)})\n{columns(run.request.fleet.group_word)}:"
    lines = [heading, table(rows, run.request.application), *more(len(rows), total)]
    return [_section("\n".join(lines))]
