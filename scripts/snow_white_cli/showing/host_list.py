"""The answer to `status`: every host with its Sidekiq processes, and the totals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from snow_white.model.counts import counted
from snow_white.model.fleet import ASLEEP, Process
from snow_white.model.report import InstanceResult, Report
from snow_white_cli.showing.layout import fits, joined, print_more, print_title

_TITLE: Final = "Hosts and their Sidekiq processes"
_QUIETING: Final = "quieting"
_MAX_DRAINING: Final = 10
_SHORTEST_DETAIL: Final = 6  # characters
_STATE_STYLES: Final = {
    "awake": "green",
    "quiet": "cyan",
    "stopped": "cyan",
    _QUIETING: "yellow",
    "lost": "red",
}


def print_hosts(console: Console, report: Report) -> None:
    """Print the hosts of a report, and the totals of the whole fleet."""
    hosts = report.hosts or ()
    if fits(console, table := _table(hosts, report.group_word)):
        console.print(table)
    else:
        print_title(console, _TITLE)
        for line in _lines(hosts, console.width):
            console.print(line, overflow="fold")
    print_more(console, report.more_hosts)
    for sentence in totals(report):
        console.print(Text(sentence), overflow="fold")


def totals(report: Report) -> list[str]:
    """Sentences: hosts, processes and jobs in all; and which hosts drain, those with the most jobs first.

    Jobs are counted on the hosts that the report lists.
    """
    hosts = report.hosts or ()
    jobs = sum(process.busy for host in hosts for process in host.processes)
    at_least = "at least " if report.more_hosts or report.more_processes else ""
    states = ", ".join(f"{count} {state}" for state, count in sorted(report.processes.items()))
    processes = counted(sum(report.processes.values()) + report.more_processes, "process", "processes")
    in_states = f" ({states})" if states else ""
    sentences = [
        f"{counted(report.instances, 'host')}, {processes}{in_states}, {at_least}{counted(jobs, 'job')}."
    ]
    draining = [
        (sum(one.busy for one in host.processes), host)
        for host in hosts
        if any(one.state == _QUIETING for one in host.processes)
    ]
    if draining:
        draining.sort(key=lambda one: -one[0])
        shown = [
            f"{host.environment} {host.instance} ({host.region}, {counted(busy, 'job')})"
            for busy, host in draining[:_MAX_DRAINING]
        ]
        more = len(draining) - _MAX_DRAINING
        rest = f" and {more} more" if more > 0 else ""
        sentences.append(f"Draining: {', '.join(shown)}{rest}.")
    return sentences


def _table(hosts: tuple[InstanceResult, ...], group_word: str) -> Table:
    """One row for each process; only the first row of a host names it."""
    table = Table(title=_TITLE, title_justify="left")
    for column in (group_word, "Region", "Instance"):
        table.add_column(column, no_wrap=True)
    table.add_column("Process", justify="right")
    table.add_column("State")
    table.add_column("Jobs", justify="right")
    asleep_by = any(row.asleep_by for row in hosts)
    for column in ("Tag", "Sidekiq", "Run by", *(["Put to sleep by"] if asleep_by else [])):
        table.add_column(column, overflow="fold")
    for row in hosts:
        host = (row.environment, row.region, row.instance)
        for process in row.processes:
            put_to_sleep_by = [_asleep_by(row, process)] if asleep_by else []
            details = map(Text, (process.tag, process.version, process.supervisor, *put_to_sleep_by))
            table.add_row(*map(Text, host), str(process.pid), _state(process), str(process.busy), *details)
            host = ("", "", "")
        if not row.processes:
            table.add_row(*map(Text, host), "", Text(row.reason, style="dim"))
    return table


def _lines(hosts: tuple[InstanceResult, ...], width: int) -> Iterator[Text]:
    """A line for each host and one for each of its processes, with the columns of all processes below each other."""
    every = [process for host in hosts for process in host.processes]
    widths = [max(map(len, column)) for column in zip(*map(_fields, every), strict=True)]
    for host in hosts:
        by = next((f"put to sleep by {run}" for one in host.processes if (run := _asleep_by(host, one))), "")
        yield joined([Text(host.environment, "bold"), host.region, Text(host.instance, "bold"), by])
        if not host.processes:
            yield Text(f"  {host.reason}", "dim")
        for process in host.processes:
            yield _line(process, widths, width)


def _line(process: Process, widths: list[int], width: int) -> Text:
    """Process id, state, jobs and supervisor whole; Sidekiq's version and tag as far as there is room."""
    pid, state, jobs, supervisor = _fields(process)
    line = Text(f"  {pid.rjust(widths[0])}  ")
    line.append(state.ljust(widths[1]), _STATE_STYLES.get(process.state, ""))
    line.append(f"  {jobs.rjust(widths[2])}  ")
    details = f"{process.version} {process.tag}".strip()
    room = width - len(line) - widths[3] - 2
    if details and room >= min(_SHORTEST_DETAIL, len(details)):
        tail = Text(details, "dim")
        tail.truncate(room, overflow="ellipsis")
        return line.append(f"{supervisor.ljust(widths[3])}  ").append_text(tail)
    return line.append(supervisor)


def _fields(process: Process) -> tuple[str, str, str, str]:
    return str(process.pid), _state(process).plain, counted(process.busy, "job"), process.supervisor


def _state(process: Process) -> Text:
    since = f" since {process.since.astimezone(UTC):%m-%d %H:%M} UTC" if process.since else ""
    return Text(f"{process.state}{since}", style=_STATE_STYLES.get(process.state, ""))


def _asleep_by(host: InstanceResult, process: Process) -> str:
    """The run that has put the process to sleep; "" for one that is awake, or if it is not known."""
    return host.asleep_by if process.state in ASLEEP else ""
