"""The text of a run's Slack message: at its start, while it goes on, and at its end.

The headline is the message's text, which notifications show. The details are in an attachment, because only
attachments have a colour. Limits of Block Kit: 3,000 UTF-16 units of text for a section and 2,000 for a field. All text
of a message stays far below the 12,000 or so at which Slack answers msg_blocks_too_long.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from snow_white.aws.console import execution_url
from snow_white.model.counts import counted
from snow_white.model.report import Report, Stated
from snow_white.model.run import Execution, Run
from snow_white.model.slack_state import Requester
from snow_white.model.verdict import CONFIRMED, in_words
from snow_white.slack.problems import problem_sections
from snow_white.slack.text import code, duration, escaped, length, local_time, plain, progress_bar

_MAX_HEADLINE: Final = 300
_MAX_FIELD: Final = 300
_MAX_CAUSE: Final = 1_500
_MAX_STRAGGLERS: Final = 10
_MAX_ACTION: Final = 60
_REGIONS_SHOWN: Final = 5
_COLOURS: Final = {
    "working": "#3aa3e3",
    "waiting": "#ecb22e",
    "confirmed": "#2eb67d",
    "failed": "#e01e5a",
}


@dataclass(frozen=True)
class Message:
    """The content for chat.postMessage and chat.update: `text` for notifications, `attachments` with the blocks."""

    text: str
    attachments: tuple[dict[str, Any], ...] = ()


def working_message(run: Run, requester: Requester, now: datetime) -> Message:
    """The message while the run goes on."""
    progress = run.progress
    numbers = f"{progress.confirmed} of {counted(progress.instances, 'instance')} {run.request.action.result}"
    if run.waiting_for:
        numbers = f"waiting for {', '.join(sorted(run.waiting_for))}"
    headline = f"⏳ {run.request.action.doing} the Sidekiq workers of {run.request.application}: {numbers}"
    fields = [
        *_scope(
            (one.name for part in run.plan for one in part.environments), (part.region for part in run.plan)
        ),
        ("Asked by", _requested_by(requester)),
        ("Elapsed", duration((now - run.execution.started_at).total_seconds())),
        ("Deadline", local_time(run.deadline) if run.deadline else ""),
    ]
    blocks = [
        _section(f"`{progress_bar(progress.confirmed, progress.instances)}`\n*{numbers}*"),
        _fields(fields),
        *_unavailable_regions(run),
        *_stragglers(run),
    ]
    waiting = run.waiting_for or run.stragglers.listed
    return _message(headline, blocks, "waiting" if waiting else "working", run.execution)


def final_message(report: Report, requester: Requester, execution: Execution) -> Message:
    """The message at the end: the counts and, if the run is not confirmed, its problems with advice, as many as fit."""
    numbers = _counts(report)
    fields = [
        *_scope(_texts(report.environments), _texts(report.regions)),
        ("Asked by", _requested_by(requester)),
        ("Took", duration(report.duration_seconds)),
    ]
    blocks = [_section(f"*{numbers}*"), _fields(fields)]
    if report.problems:
        blocks += map(_section, problem_sections(report.problems, report.more_problems, report.action))
    elif not report.confirmed:
        blocks.append(_section(escaped(report.cause or "", _MAX_CAUSE) or "No reason was given."))
    headline = f"{'✅' if report.confirmed else '❌'} {final_headline(report)}"
    return _message(headline, blocks, "confirmed" if report.confirmed else "failed", execution)


def final_headline(report: Report) -> str:
    """One line that says how the run ended. Text from the request is not escaped."""
    result = _result_word(report)
    application = report.application or "(no application)"
    if report.confirmed:
        return f"The Sidekiq workers of {application} are confirmed {result}"
    return f"NOT confirmed {result}: the Sidekiq workers of {application}"


def summary(report: Report) -> str:
    """The report's summary: how the run ended, with counts and duration."""
    return f"{final_headline(report)}. {_counts(report)}, after {duration(report.duration_seconds)}."


def final_reply(report: Report, requester: Requester) -> str:
    """The reply in the message's thread. It mentions the requester, because an edit notifies nobody."""
    mention = f"<@{requester.member}> " if requester.member else ""
    cause = f"\n{escaped(report.cause, _MAX_CAUSE)}" if report.cause else ""
    return f"{mention}{escaped(final_headline(report), _MAX_HEADLINE)}.{cause}"


def _message(
    headline: str, blocks: Iterable[dict[str, Any] | None], state: str, execution: Execution
) -> Message:
    text = escaped(headline, _MAX_HEADLINE)
    open_execution = {
        "type": "actions",
        "elements": [
            {
                "type": "button",
                "action_id": "open_execution",
                "text": {"type": "plain_text", "text": "Open the execution"},
                "url": execution_url(execution.arn),
            }
        ],
    }
    shown = [*(block for block in blocks if block), open_execution]
    attachment = {"color": _COLOURS[state], "fallback": plain(headline, _MAX_HEADLINE), "blocks": shown}
    return Message(text, (attachment,))


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _mrkdwn(text)}


def _fields(named: Iterable[tuple[str, str]]) -> dict[str, Any] | None:
    """A section with a field for each (name, text) whose text is not empty."""
    shown = [_mrkdwn(f"*{name}*\n{text}") for name, text in named if text]
    return {"type": "section", "fields": shown} if shown else None


def _mrkdwn(text: str) -> dict[str, Any]:
    """Text with markup. `verbatim` keeps Slack from turning names into links or mentions."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _requested_by(requester: Requester) -> str:
    """A mention of the Slack member, or the requester's name in AWS."""
    if requester.member is None:
        return escaped(requester.name, _MAX_FIELD - 20)
    name = f" ({escaped(requester.name, _MAX_FIELD // 2)})" if requester.name else ""
    return f"<@{requester.member}>{name}"


def _scope(environments: Iterable[str], regions: Iterable[str]) -> list[tuple[str, str]]:
    return [
        ("Environments", _listed(sorted(set(environments)))),
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


def _unavailable_regions(run: Run) -> list[dict[str, Any]]:
    """The regions without which nothing is sent, each with what it said last."""
    if not run.waiting_for:
        return []
    reasons = [escaped(why, _MAX_FIELD) for _, why in sorted(run.waiting_for.items())][:_REGIONS_SHOWN]
    return [_section("\n".join(["*Nothing is sent before these regions answer*", *reasons]))]


def _stragglers(run: Run) -> list[dict[str, Any]]:
    known = run.stragglers
    if not known.listed or known.known_at is None:
        return []
    lines = [
        f"• {code(one.instance, 40)} {escaped(one.environment, 60)}, {escaped(one.region, 30)}: "
        f"{'jobs unknown' if one.jobs is None else counted(one.jobs, 'job')}"
        for one in known.listed[:_MAX_STRAGGLERS]
    ]
    more = known.more + len(known.listed) - len(lines)
    rest = [f"and {more} more"] if more else []
    return [_section("\n".join([f"*Still busy* at {local_time(known.known_at)}", *lines, *rest]))]


def _counts(report: Report) -> str:
    counts = report.counts
    if not counts:
        return "No instance was checked"
    result = _result_word(report)
    listed = ", ".join(f"{count} {in_words(verdict)}" for verdict, count in counts.items())
    confirmed = sum(counts.get(verdict.value, 0) for verdict in CONFIRMED)
    return f"{confirmed} of {counted(report.instances, 'instance')} {result} ({listed})"


def _result_word(report: Report) -> str:
    """The word for a confirmed instance, such as "quiet"; the stated action in quotes if it is unknown."""
    action = report.known_action
    return action.result if action else f"'{plain(report.action, _MAX_ACTION)}'"
