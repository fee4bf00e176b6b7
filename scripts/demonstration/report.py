"""What the demo prints at its end: reports, Slack messages, timings, and the ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from demonstration.ledger import Ledger
from local_aws.slack.client import LocalSlack
from snow_white_cli.runs import Ended


def print_report(console: Console, action: str, end: Ended) -> None:
    """Print the report of a run, without empty values."""
    console.rule(f"[bold]the report of {action}", align="left")
    shown = {key: value for key, value in end.output.items() if value not in ([], {}, None)}
    console.print_json(json.dumps(shown))


def print_slack(console: Console, slack: LocalSlack) -> None:
    """Print every message as it is now, with the number of its edits."""
    console.rule("[bold]Slack", align="left")
    for message in slack.messages():
        indent = "  ↳ " if message["thread_ts"] else ""
        edits = len(message["edits"])
        times = f" (edited {edits} times)" if edits else ""
        console.print(f"{indent}{message['channel']}: {message['text']}{times}", markup=False)


def print_timings(console: Console, timings: Mapping[str, float], total: float) -> None:
    """Print how long each step took."""
    table = Table("seconds", "step", title="Timings", title_justify="left")
    for what, seconds in timings.items():
        table.add_row(f"{seconds:.1f}", what)
    table.add_row(f"{total:.1f}", "in total")
    console.print(table)


def print_ledger(console: Console, ledger: Ledger) -> None:
    """Print what became of the jobs."""
    table = Table("jobs", "what became of them", title="Ledger", title_justify="left")
    for word, count in ledger.summary().items():
        table.add_row(str(count), word.replace("_", " "))
    console.print(table)
