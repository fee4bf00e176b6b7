"""The first line of a run's message: it says all, because a notification shows nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from snow_white.model.counts import counted
from snow_white.model.report import Report
from snow_white.model.run import Run
from snow_white.model.stopping import RUN_ABORTED, RUN_TIMED_OUT
from snow_white.model.verdict import CONFIRMED, Verdict, in_words
from snow_white.slack.text import duration, plain

_MAX_NAME: Final = 80
_MAX_CAUSE: Final = 180
_IN_WORDS: Final[Mapping[str, str]] = {
    Verdict.BUSY: "still busy",
    Verdict.NO_WORKER: "without Sidekiq",
}


def working_line(run: Run) -> str:
    """For example `⏳ backups: quieting, 12 of 60 quiet`. It is not escaped."""
    progress, action = run.progress, run.request.action
    if run.waiting_for:
        so_far = f"waiting for {', '.join(sorted(run.waiting_for))}"
    else:
        so_far = f"{progress.confirmed} of {progress.instances} {action.result}"
    return f"⏳ {_named(run.request.fleet.name)}{action.doing.lower()}, {so_far}"


def final_line(report: Report) -> str:
    """For example `❌ backups: 20 of 60 quiet, 40 still busy`. It is not escaped."""
    return f"{_symbol(report)} {summary(report)}"


def summary(report: Report) -> str:
    """The final line without its symbol."""
    return f"{_named(report.fleet_name)}{_outcome(report)}"


def others(report: Report) -> str:
    """What was found beside the confirmed instances, such as `37 still busy, 3 unreachable`; "" for nothing."""
    silent = sum(problem.is_region for problem in report.problems)
    return ", ".join(
        [
            f"{count} {_IN_WORDS.get(verdict, in_words(verdict))}"
            for verdict, count in report.counts.items()
            if verdict not in CONFIRMED
        ]
        + [f"{counted(silent, 'region')} unreachable"] * bool(silent)
    )


def _symbol(report: Report) -> str:
    if report.confirmed:
        return "✅"
    return {RUN_ABORTED: "⏹", RUN_TIMED_OUT: "⏱"}.get(report.error or "", "❌")


def _outcome(report: Report) -> str:
    confirmed = sum(report.counts.get(verdict.value, 0) for verdict in CONFIRMED)
    if report.confirmed and not confirmed:
        found = others(report)
        return f"nobody to wake{f': {found}' if found else ''}"
    if report.confirmed:
        took = duration(report.duration_seconds)
        return f"{counted(confirmed, 'worker')} {_result(report)} ({took})"
    if report.error == RUN_ABORTED:
        return f"stopped{f' by {plain(report.stopped_by, _MAX_NAME)}' if report.stopped_by else ''}{_how_far(report)}"
    if report.error == RUN_TIMED_OUT:
        return f"out of time{_how_far(report)}"
    if report.instances or others(report):
        found = f"{confirmed} of {report.instances} {_result(report)}"
        return ", ".join(filter(None, [found if report.instances else "no instance found", others(report)]))
    return f"{_failure(report)}: {plain(report.cause or 'no reason was given.', _MAX_CAUSE)}"


def _failure(report: Report) -> str:
    if report.error == "InvalidRequest":
        return "wrong input"
    action = report.known_action
    what = action.value if action else "the run"
    return f"{what} failed{_how_far(report)}" if report.so_far else f"{what} did not start"


def _how_far(report: Report) -> str:
    if report.so_far is None:
        return " before anything was sent"
    return f" at {report.so_far.confirmed} of {report.so_far.instances}"


def _result(report: Report) -> str:
    action = report.known_action
    return action.result if action else "confirmed"


def _named(fleet: str) -> str:
    """The fleet's name before a colon. A request may name none, or something that is no name."""
    return f"{plain(fleet, _MAX_NAME)}: " if fleet else ""
