"""How a run's progress is shown: a progress bar on a terminal, log lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TaskID, TextColumn

from snow_white_cli.follower import ProgressDisplay
from snow_white_cli.showing.headlines import Headlines
from snow_white_cli.showing.progress import RunProgress, clock

# Some pipelines end a job that prints nothing for ten minutes.
_HEARTBEAT_INTERVAL: Final = timedelta(minutes=2)
_WIDTH_FOR_DEADLINE: Final = 80
_WIDTH_FOR_BAR: Final = 110


@dataclass
class BarDisplay:
    """A progress bar that changes in place."""

    bar: Progress
    task: TaskID
    headlines: Headlines
    _stragglers: str = ""

    def show(self, progress: RunProgress) -> None:
        """Update the bar, and print the stragglers when they have changed."""
        if progress.stragglers != self._stragglers:
            self._stragglers = progress.stragglers
            self.print_message(progress.stragglers or "No stragglers are known any more.")
        self.bar.update(
            self.task,
            total=progress.instances,
            completed=progress.confirmed,
            numbers=progress.numbers(self.headlines.done),
            elapsed=clock(progress.elapsed),
            deadline=progress.deadline_text(),
        )

    def print_message(self, message: str) -> None:
        """Print above the bar."""
        self.bar.console.print(message, markup=False)


@dataclass
class LineDisplay:
    """A line for each change, and one every two minutes when nothing changes."""

    console: Console
    headlines: Headlines
    _printed: str = ""
    _printed_at: timedelta = timedelta(0)

    def show(self, progress: RunProgress) -> None:
        """Print a line if the progress has changed, or if the last line is two minutes old."""
        numbers = progress.numbers(self.headlines.done)
        line = ", ".join(filter(None, (numbers, progress.deadline_text(), progress.stragglers)))
        if line != self._printed or progress.elapsed - self._printed_at >= _HEARTBEAT_INTERVAL:
            self.console.print(f"{clock(progress.elapsed)} {line}", markup=False)
            self._printed, self._printed_at = line, progress.elapsed

    def print_message(self, message: str) -> None:
        """Print the message on a line of its own."""
        self.console.print(message, markup=False)


@contextmanager
def open_display(console: Console, headlines: Headlines) -> Iterator[ProgressDisplay]:
    """A display on this console; it is removed at the end of the block."""
    # The file is asked, because rich also reports a terminal when FORCE_COLOR is set.
    if not console.file.isatty() or console.is_dumb_terminal:
        yield LineDisplay(console, headlines)
        return
    title = f"{headlines.doing} {headlines.fleet}"
    with Progress(*_columns(console.width), console=console, transient=True) as bar:
        task = bar.add_task(
            _cut(title, console.width), total=None, numbers="starting", elapsed="", deadline=""
        )
        yield BarDisplay(bar, task, headlines)


def _columns(width: int) -> list[ProgressColumn]:
    """What fits: the bar goes first, then the deadline."""
    columns: list[ProgressColumn] = [
        SpinnerColumn(),
        TextColumn("{task.description}", style="bold", markup=False),
        TextColumn("{task.fields[numbers]}", markup=False),
        TextColumn("{task.fields[elapsed]}", style="dim", markup=False),
    ]
    if width >= _WIDTH_FOR_DEADLINE:
        columns.append(TextColumn("{task.fields[deadline]}", style="dim", markup=False))
    if width >= _WIDTH_FOR_BAR:
        columns.insert(2, BarColumn(bar_width=24, complete_style="green", pulse_style="cyan"))
    return columns


def _cut(title: str, width: int) -> str:
    """The title, in at most a third of the line."""
    longest = max(width // 3, 12)
    return title if len(title) <= longest else f"{title[: longest - 1]}…"
