"""The result of a run on standard output: a report to read, or JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from snow_white.model.report import Report
from snow_white.model.verdict import in_words
from snow_white_cli.exit_codes import ExitCode
from snow_white_cli.runs import Ended
from snow_white_cli.showing.headlines import Headlines
from snow_white_cli.showing.host_list import print_hosts
from snow_white_cli.showing.instance_list import print_instances
from snow_white_cli.showing.next_steps import print_next_steps
from snow_white_cli.showing.progress import clock, lease_sentence
from snow_white_cli.showing.visible_text import visible

_SUCCEEDED: Final = "SUCCEEDED"
_INVALID: Final = "InvalidRequest"
_ABORTED: Final = "ABORTED"


def exit_code(ended: Ended) -> ExitCode:
    """CONFIRMED only if the execution succeeded and its report confirms every instance."""
    if ended.status == _SUCCEEDED and ended.report.confirmed:
        return ExitCode.CONFIRMED
    return ExitCode.WRONG_USAGE if ended.error == _INVALID else ExitCode.FAILED


def as_json(arn: str, status: str, ended: Ended | None = None) -> str:
    """`run_facts` as text."""
    return json.dumps(run_facts(arn, status, ended), indent=2)


def run_facts(arn: str, status: str, ended: Ended | None = None) -> dict[str, Any]:
    """{"run", "name", "status", "error", "cause", "report"}; the last three are null while the run goes on."""
    return {
        "run": arn,
        "name": arn.rpartition(":")[2],
        "status": status,
        "error": ended.error if ended else None,
        "cause": ended.cause if ended else None,
        "report": dict(ended.output) if ended and ended.output else None,
    }


def print_end(
    console: Console, ended: Ended, headlines: Headlines, options: Sequence[str] | None = ()
) -> None:
    """Print how the run ended, every instance that is not confirmed, what to do, and for `status` every host.

    `options` are those with which the person reaches Snow White; they are part of the command that wakes the workers.
    With None, that command is not shown.
    """
    report = ended.report
    confirmed = exit_code(ended) is ExitCode.CONFIRMED
    if confirmed:
        _print_confirmed(console, report, headlines)
    else:
        _print_failed(console, ended, headlines)
    if sentence := lease_sentence(report.lease):
        console.print(Text(sentence), overflow="fold")
    if report.hosts:
        print_hosts(console, report)
    if report.notes:
        print_instances(
            console,
            "Without Sidekiq, gone, or left alone",
            report.notes,
            report.more_notes,
            group_word=report.group_word,
        )
    if not confirmed:
        print_next_steps(console, ended, headlines, options)
    for sentence in report.slack.not_told if report.slack else ():
        console.print(Text(f"Slack: {sentence}", style="yellow"))


def _print_confirmed(console: Console, report: Report, headlines: Headlines) -> None:
    numbers = ", ".join(f"{count} {in_words(verdict)}" for verdict, count in report.counts.items())
    took = clock(timedelta(seconds=report.duration_seconds))
    console.print(Text(f"{headlines.confirmed}: {numbers}, after {took}.", "bold green"))


def _print_failed(console: Console, ended: Ended, headlines: Headlines) -> None:
    console.print(Text(f"{headlines.not_confirmed}.", "bold red"))
    report = ended.report
    if report.problems:
        print_instances(
            console, "Not confirmed", report.problems, report.more_problems, group_word=report.group_word
        )
        return
    cause = visible(ended.cause or "No reason was given.")
    what = "The run was stopped." if ended.status == _ABORTED else f"{visible(ended.error or ended.status)}:"
    console.print(Text(f"{what} {cause}"))
