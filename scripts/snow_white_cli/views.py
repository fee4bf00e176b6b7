"""Where a run's news are shown: a bar on a terminal, lines anywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from snow_white_cli.following import View
from snow_white_cli.news import News, Wording, clock

# A log in which nothing happens looks dead, and some pipelines end a job that says nothing for ten minutes.
_SAY_SOMETHING_AFTER: Final = timedelta(minutes=2)


@dataclass
class Bar:
    """One line that changes in place."""

    progress: Progress
    task: TaskID
    wording: Wording
    _stragglers: str = ""

    def show(self, news: News) -> None:
        """Move the bar."""
        if news.stragglers != self._stragglers:
            self._stragglers = news.stragglers
            self.say(news.stragglers or "Nobody is known to take long any more.")
        self.progress.update(
            self.task,
            total=news.instances,
            completed=news.confirmed,
            numbers=news.numbers(self.wording.done),
            elapsed=clock(news.elapsed),
            limit=news.limit(),
        )

    def say(self, words: str) -> None:
        """Print above the bar."""
        self.progress.console.print(words, markup=False)


@dataclass
class Lines:
    """A line for each change, and now and then one that says that nothing has."""

    console: Console
    wording: Wording
    _shown: str = ""
    _shown_at: timedelta = timedelta(0)

    def show(self, news: News) -> None:
        """Print what is new."""
        numbers = ", ".join(filter(None, (news.numbers(self.wording.done), news.limit(), news.stragglers)))
        if numbers != self._shown or news.elapsed - self._shown_at >= _SAY_SOMETHING_AFTER:
            self.console.print(f"{clock(news.elapsed)} {numbers}", markup=False)
            self._shown, self._shown_at = numbers, news.elapsed

    def say(self, words: str) -> None:
        """Print it."""
        self.console.print(words, markup=False)


@contextmanager
def showing(console: Console, wording: Wording) -> Iterator[View]:
    """A view on this console for as long as the block lasts."""
    # Asked of the file, because rich takes a variable like FORCE_COLOR for a terminal too.
    if not console.file.isatty() or console.is_dumb_terminal:
        yield Lines(console, wording)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", style="bold", markup=False),
        BarColumn(bar_width=24, complete_style="green", pulse_style="cyan"),
        TextColumn("{task.fields[numbers]}", markup=False),
        TextColumn("{task.fields[elapsed]} {task.fields[limit]}", style="dim", markup=False),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        title = f"{wording.doing} {wording.application}"
        task = progress.add_task(title, total=None, numbers="starting", elapsed="", limit="")
        yield Bar(progress, task, wording)
