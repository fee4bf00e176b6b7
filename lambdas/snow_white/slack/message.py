"""A run's Slack message: at its start, while it goes on, and at its end.

The first line is the message's text, which a phone shows in its notification; under it, in an attachment because only
that has a colour, is what one opens the message for. Limits of Block Kit: 3,000 units of text a section and 2,000 a
field; all text of a message is kept far below the 12,000 or so at which Slack answers msg_blocks_too_long.
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
from snow_white.slack.text import bar, code, duration, escaped, length, moment, plain

_HEADLINE: Final = 300
_FIELD: Final = 300
_CAUSE: Final = 1_500
_STRAGGLERS_SHOWN: Final = 10
_ACTION: Final = 60
_COLOURS: Final = {
    "working": "#3aa3e3",
    "waiting": "#ecb22e",
    "confirmed": "#2eb67d",
    "failed": "#e01e5a",
}


@dataclass(frozen=True)
class Message:
    """What chat.postMessage and chat.update take: `text` for notifications, `attachments` with the blocks."""

    text: str
    attachments: tuple[dict[str, Any], ...] = ()


def working_message(run: Run, requester: Requester, now: datetime) -> Message:
    """The message while the run goes on."""
    progress = run.progress
    numbers = f"{progress.confirmed} of {progress.instances} workers {run.request.action.result}"
    headline = f"⏳ {run.request.action.doing} the Sidekiq workers of {run.request.application}: {numbers}"
    fields = [
        *_scope(
            (one.name for part in run.plan for one in part.environments), (part.region for part in run.plan)
        ),
        ("Asked by", _requested_by(requester)),
        ("Elapsed", duration((now - run.execution.started_at).total_seconds())),
        ("Deadline", moment(run.deadline) if run.deadline else ""),
    ]
    blocks = [
        _section(f"`{bar(progress.confirmed, progress.instances)}`\n*{numbers}*"),
        _fields(fields),
        *_stragglers(run),
    ]
    return _message(headline, blocks, "waiting" if run.stragglers.listed else "working", run.execution)


def final_message(report: Report, requester: Requester, execution: Execution) -> Message:
    """The message at the end: what is confirmed, or every problem with what to do about it, as far as it fits."""
    numbers = _counts(report)
    asked = [
        *_scope(_texts(report.environments), _texts(report.regions)),
        ("Asked by", _requested_by(requester)),
        ("Took", duration(report.duration_seconds)),
    ]
    blocks = [_section(f"*{numbers}*"), _fields(asked)]
    if report.problems:
        blocks += map(_section, problem_sections(report.problems, report.more_problems, report.action))
    elif not report.confirmed:
        blocks.append(_section(escaped(report.cause or "", _CAUSE) or "No reason was given."))
    headline = f"{'✅' if report.confirmed else '❌'} {final_headline(report)}"
    return _message(headline, blocks, "confirmed" if report.confirmed else "failed", execution)


def final_headline(report: Report) -> str:
    """One line that says how the run ended; text from outside is in it as it came."""
    what = _done(report)
    application = report.application or "(no application)"
    if report.confirmed:
        return f"The Sidekiq workers of {application} are confirmed {what}"
    return f"NOT confirmed {what}: the Sidekiq workers of {application}"


def summary(report: Report) -> str:
    """How the run ended, in a sentence for readers of the report."""
    return f"{final_headline(report)}. {_counts(report)}, after {duration(report.duration_seconds)}."


def final_reply(report: Report, requester: Requester) -> str:
    """The reply in the message's thread; an edit notifies nobody, a reply that mentions the person does."""
    mention = f"<@{requester.member}> " if requester.member else ""
    cause = f"\n{escaped(report.cause, _CAUSE)}" if report.cause else ""
    return f"{mention}{escaped(final_headline(report), _HEADLINE)}.{cause}"


def _message(
    headline: str, blocks: Iterable[dict[str, Any] | None], state: str, execution: Execution
) -> Message:
    text = escaped(headline, _HEADLINE)
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
    attachment = {"color": _COLOURS[state], "fallback": plain(headline, _HEADLINE), "blocks": shown}
    return Message(text, (attachment,))


def _section(text: str) -> dict[str, Any]:
    """`verbatim`: Slack is to make no links or mentions of its own out of names."""
    return {"type": "section", "text": _mrkdwn(text)}


def _fields(named: Iterable[tuple[str, str]]) -> dict[str, Any] | None:
    """Two columns, on a phone one below the other."""
    shown = [_mrkdwn(f"*{name}*\n{text}") for name, text in named if text]
    return {"type": "section", "fields": shown} if shown else None


def _mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _requested_by(requester: Requester) -> str:
    """The member, whom Slack shows by the name that everybody knows, or the name that AWS has."""
    if requester.member is None:
        return escaped(requester.name, _FIELD - 20)
    name = f" ({escaped(requester.name, _FIELD // 2)})" if requester.name else ""
    return f"<@{requester.member}>{name}"


def _scope(environments: Iterable[str], regions: Iterable[str]) -> list[tuple[str, str]]:
    return [
        ("Environments", _listed(sorted(set(environments)))),
        ("Regions", _listed(sorted(set(regions)))),
    ]


def _listed(names: list[str]) -> str:
    """As many of the names as fit, and how many more there are."""
    shown: list[str] = []
    for name in names:
        line = ", ".join([*shown, escaped(name, _FIELD // 2)])
        if length(line) > _FIELD - 20:
            return f"{', '.join(shown)} and {len(names) - len(shown)} more"
        shown.append(escaped(name, _FIELD // 2))
    return ", ".join(shown)


def _texts(value: Stated) -> list[str]:
    """What a report says of a request that may be anything: a text, a list of texts, or something else."""
    values = value if isinstance(value, tuple) else [value]
    return [one for one in values if isinstance(one, str) and one.strip()]


def _stragglers(run: Run) -> list[dict[str, Any]]:
    known = run.stragglers
    if not known.listed or known.known_at is None:
        return []
    lines = [
        f"• {code(one.instance, 40)} {escaped(one.environment, 60)}, {escaped(one.region, 30)}: "
        f"{'did not say' if one.jobs is None else counted(one.jobs, 'job')}"
        for one in known.listed[:_STRAGGLERS_SHOWN]
    ]
    more = known.more + len(known.listed) - len(lines)
    rest = [f"and {more} more"] if more else []
    return [_section("\n".join([f"*Still busy* at {moment(known.known_at)}", *lines, *rest]))]


def _counts(report: Report) -> str:
    counts = report.counts
    if not counts:
        return "No worker was judged"
    done = _done(report)
    listed = ", ".join(f"{count} {in_words(verdict)}" for verdict, count in counts.items())
    confirmed = sum(counts.get(verdict.value, 0) for verdict in CONFIRMED)
    return f"{confirmed} of {report.instances} workers {done} ({listed})"


def _done(report: Report) -> str:
    """The word for what the action brings about; the action itself, which may be anything, where it is unknown."""
    action = report.known_action
    return action.result if action else f"'{plain(report.action, _ACTION)}'"
