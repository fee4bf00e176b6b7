"""The words and blocks of a run's Slack message: at its start, while it goes on, and at its end.

Slack's limits (docs of Block Kit): 3,000 characters a section, 150 a header, 50 blocks a message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from snow_white.host_answer import CONFIRMATION
from snow_white.report import CONFIRMED_RESULT, problem_sentence
from snow_white.request import Action
from snow_white.run import Execution, Run

_SECTION: Final = 3_000
_HEADER: Final = 150
_FALLBACK: Final = 4_000
_PROBLEMS_SHOWN: Final = 10
_PROBLEM: Final = 240
_PROBLEMS_ROOM: Final = 2_500  # of a section; escaping makes text up to five times as long
_BAR_CELLS: Final = 20
_COLOURS: Final = {"working": "#3aa3e3", "confirmed": "#2eb67d", "failed": "#e01e5a"}
_VERBS: Final = {
    Action.QUIET: ("Quieting", "quiet"),
    Action.STOP: ("Stopping", "stopped"),
    Action.WAKE: ("Waking", "awake"),
    Action.STATUS: ("Asking", "reported"),
}


@dataclass(frozen=True)
class Message:
    """What chat.postMessage and chat.update take: `text` for notifications, `attachments` with the blocks."""

    text: str
    attachments: tuple[dict[str, Any], ...] = ()


def working_message(run: Run, now: datetime) -> Message:
    """The message while the run goes on."""
    gerund, _ = _VERBS[run.request.action]
    title = f"{gerund} the Sidekiq workers of {run.request.application}"
    done = CONFIRMATION[run.request.action]
    progress = run.progress
    numbers = f"{progress.confirmed} of {progress.instances} instances {done}"
    elapsed = _duration((now - run.execution.started_at).total_seconds())
    deadline = f", until {run.deadline:%H:%M} UTC at the latest" if run.deadline else ""
    where = [
        _where(run),
        f"`{_bar(progress.confirmed, progress.instances)}` {numbers}",
        f"{elapsed}{deadline}",
    ]
    return _message(title, numbers, where, "working", run.execution)


def final_message(report: Mapping[str, Any], execution: Execution) -> Message:
    """The message at the end: what is confirmed, or every problem by name, as far as it fits."""
    headline = final_headline(report)
    lines = [_counts(report), f"After {_duration(report['duration_seconds'])}."]
    confirmed = report["result"] == CONFIRMED_RESULT
    if report["problems"]:
        lines += _problem_lines(report["problems"], report["more_problems"])
    elif not confirmed:
        lines.append(_escape(str(report["cause"])))
    return _message(headline, headline, lines, "confirmed" if confirmed else "failed", execution)


def final_headline(report: Mapping[str, Any]) -> str:
    """One line that says how the run ended."""
    action = report.get("action")
    what = next((done for known, (_, done) in _VERBS.items() if known.value == action), f"'{action}'")
    application = report.get("application") or "(no application)"
    if report["result"] == CONFIRMED_RESULT:
        return f"The Sidekiq workers of {application} are confirmed {what}"
    return f"NOT confirmed {what}: the Sidekiq workers of {application}"


def final_reply(report: Mapping[str, Any], person: str | None) -> str:
    """The reply in the message's thread; an edit notifies nobody, a reply that mentions the person does."""
    mention = f"<@{person}> " if person else ""
    cause = f"\n{_escape(str(report['cause']))}" if report["cause"] else ""
    return _cut(f"{mention}{_escape(final_headline(report))}.{cause}", _SECTION)


def console_url(execution_arn: str) -> str:
    """The execution's page in the AWS console."""
    region = execution_arn.split(":")[3]
    return f"https://{region}.console.aws.amazon.com/states/home?region={region}#/v2/executions/details/{execution_arn}"


def _message(title: str, fallback: str, lines: Sequence[str], state: str, execution: Execution) -> Message:
    text = f"{title}: {fallback}" if fallback != title else title
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(title, _HEADER)}},
        {"type": "section", "text": {"type": "mrkdwn", "text": _cut("\n".join(lines), _SECTION)}},
        {
            "type": "actions",
            "elements": [
                {
                    "type": "button",
                    "text": {"type": "plain_text", "text": "Open the execution"},
                    "url": console_url(execution.arn),
                }
            ],
        },
    ]
    attachment = {"color": _COLOURS[state], "fallback": _cut(text, _FALLBACK), "blocks": blocks}
    return Message(_cut(_escape(text), _FALLBACK), (attachment,))


def _where(run: Run) -> str:
    environments = sorted({one.name for part in run.plan for one in part.environments})
    regions = ", ".join(part.region for part in run.plan)
    who = f", asked by {_escape(run.request.requested_by)}" if run.request.requested_by else ""
    return _cut(f"*{_escape(', '.join(environments))}* in {regions}{who}", _SECTION // 2)


def _counts(report: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{count} {verdict.replace('_', ' ')}" for verdict, count in report["counts"].items())
    return f"{report['instances']} instances: {counts}." if counts else "No instance was judged."


def _problem_lines(problems: Sequence[Mapping[str, Any]], more: int) -> list[str]:
    lines: list[str] = []
    room = _PROBLEMS_ROOM
    for problem in problems[:_PROBLEMS_SHOWN]:
        line = f"• {_escape(_cut(problem_sentence(problem), _PROBLEM))}"
        room -= len(line)
        if room < 0:
            break
        lines.append(line)
    hidden = len(problems) - len(lines) + more
    return [*lines, f"and {hidden} more"] if hidden else lines


def _bar(part: int, whole: int) -> str:
    filled = _BAR_CELLS * part // whole if whole else 0
    return "█" * filled + "░" * (_BAR_CELLS - filled)


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


def _escape(text: str) -> str:
    """Slack's three control characters; what comes from outside must not become a mention or a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
