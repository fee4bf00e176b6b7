"""The result of a run on standard output: a report to read, or JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from snow_white.model.counts import counted
from snow_white.model.report import InstanceResult, Report
from snow_white.model.verdict import in_words
from snow_white_cli.exit_codes import ExitCode
from snow_white_cli.headlines import Headlines
from snow_white_cli.progress import clock
from snow_white_cli.runs import Ended

_SUCCEEDED: Final = "SUCCEEDED"
_INVALID: Final = "InvalidRequest"
_ABORTED: Final = "ABORTED"
_WIDTH_WITHOUT_TERMINAL: Final = 240  # columns, so that a file or a pipe gets each row on one line
_STATE_STYLES: Final = {
    "awake": "green",
    "quiet": "cyan",
    "stopped": "cyan",
    "quieting": "yellow",
    "lost": "red",
}


def output_console() -> Console:
    """Standard output, as wide as the terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDTH_WITHOUT_TERMINAL)


def exit_code(ended: Ended) -> ExitCode:
    """CONFIRMED only if the execution succeeded and its report confirms every instance."""
    if ended.status == _SUCCEEDED and ended.report.confirmed:
        return ExitCode.CONFIRMED
    return ExitCode.WRONG_USAGE if ended.error == _INVALID else ExitCode.FAILED


def as_json(arn: str, status: str, ended: Ended | None = None) -> str:
    """{"run", "name", "status", "error", "cause", "report"}; the last three are null while the run goes on."""
    return json.dumps(
        {
            "run": arn,
            "name": arn.rpartition(":")[2],
            "status": status,
            "error": ended.error if ended else None,
            "cause": ended.cause if ended else None,
            "report": dict(ended.output) if ended and ended.output else None,
        },
        indent=2,
    )


def print_end(console: Console, ended: Ended, headlines: Headlines) -> None:
    """Print how the run ended, with the instances that are not confirmed and, for `status`, every host."""
    report = ended.report
    if exit_code(ended) is ExitCode.CONFIRMED:
        _print_confirmed(console, report, headlines)
    else:
        _print_failed(console, ended, headlines)
    if report.hosts:
        console.print(_hosts_table(report.hosts))
        _print_more(console, report.more_hosts)
    if report.notes:
        console.print(_instances_table("Without Sidekiq, or gone", report.notes))
        _print_more(console, report.more_notes)
    for sentence in report.slack.not_told if report.slack else ():
        console.print(Text(f"Slack: {sentence}", style="yellow"))


def _print_confirmed(console: Console, report: Report, headlines: Headlines) -> None:
    numbers = ", ".join(f"{count} {in_words(verdict)}" for verdict, count in report.counts.items())
    took = clock(timedelta(seconds=report.duration_seconds))
    console.print(Text(f"{headlines.confirmed}: {numbers}, after {took}.", "bold green"))


def _print_failed(console: Console, ended: Ended, headlines: Headlines) -> None:
    console.print(Text(f"{headlines.not_confirmed}.", "bold red"))
    problems = ended.report.problems
    if problems:
        console.print(_instances_table("Not confirmed", problems))
        _print_more(console, ended.report.more_problems)
    elif ended.status == _ABORTED:
        console.print(Text(f"The run was stopped. {ended.cause or 'No reason was given.'}"))
    else:
        console.print(Text(f"{ended.error or ended.status}: {ended.cause or 'No reason was given.'}"))
    console.print(Text("docs/operating.md explains each verdict and what to do about it.", "dim"))


def _instances_table(title: str, rows: Sequence[InstanceResult]) -> Table:
    table = Table(title=title, title_justify="left")
    for column in ("Environment", "Region", "Instance", "Verdict"):
        table.add_column(column, no_wrap=True)
    table.add_column("Why", overflow="fold")
    for row in rows:
        busy = [f"process {one.pid}: {counted(one.busy, 'job')}" for one in row.processes if one.busy]
        why = f"{row.reason} ({', '.join(busy)})" if busy else row.reason
        verdict = in_words(row.verdict)
        table.add_row(*map(Text, (row.environment, row.region, row.instance, verdict, why)))
    return table


def _hosts_table(rows: Sequence[InstanceResult]) -> Table:
    """One row for each process; only the first row of a host names it."""
    table = Table(title="Hosts and their Sidekiq processes", title_justify="left")
    for column in ("Environment", "Region", "Instance"):
        table.add_column(column, no_wrap=True)
    table.add_column("Process", justify="right")
    table.add_column("State")
    table.add_column("Jobs", justify="right")
    for column in ("Tag", "Sidekiq", "Run by"):
        table.add_column(column, overflow="fold")
    for row in rows:
        host = (row.environment, row.region, row.instance)
        for process in row.processes:
            state = Text(process.state, style=_STATE_STYLES.get(process.state, ""))
            tag, version, supervisor = process.tag, process.version, process.supervisor
            details = (Text(tag), Text(version), Text(supervisor))
            table.add_row(*map(Text, host), str(process.pid), state, str(process.busy), *details)
            host = ("", "", "")
        if not row.processes:
            table.add_row(*map(Text, host), "", Text(row.reason, style="dim"))
    return table


def _print_more(console: Console, more: int | None) -> None:
    if more:
        console.print(f"and {more} more")
