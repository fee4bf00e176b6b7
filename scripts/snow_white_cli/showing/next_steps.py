"""What to do after a run that was not confirmed: the report's advice, what is quiet now, and the line to wake it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from snow_white.model.action import Action
from snow_white.model.counts import counted
from snow_white.model.stated_request import StatedRequest
from snow_white.model.verdict import Verdict, in_words
from snow_white.reporting.commands import arguments
from snow_white_cli.program import shell_line
from snow_white_cli.runs import Ended
from snow_white_cli.showing.headlines import Headlines
from snow_white_cli.showing.layout import print_indented, print_title, print_whole
from snow_white_cli.showing.visible_text import visible

_ASLEEP: Final = (Verdict.QUIET, Verdict.STOPPED)


def print_next_steps(
    console: Console, ended: Ended, headlines: Headlines, options: Sequence[str] | None = ()
) -> None:
    """Print what to do; `options` are those with which the person reaches Snow White; None: wake is not advised."""
    if advice := ended.report.what_to_do:
        print_title(console, "What to do")
        for verdict, sentence in advice.items():
            print_indented(console, Text(f"{in_words(verdict)}: {sentence}"))
    if headlines.action and headlines.action.drains and _may_have_sent(ended):
        if options is None:
            console.print(Text(asleep(ended)), overflow="fold")
            return
        console.print(Text(f"{asleep(ended)} To wake all of them:"), overflow="fold")
        print_whole(console, Text(f"  {wake_line(headlines.request, options)}", "bold"))


def asleep(ended: Ended) -> str:
    """What is quiet or stopped after a quiet or a stop that was not confirmed, as sentences."""
    report, progress = ended.report, ended.so_far.progress
    if report.instances:
        count, instances = sum(report.counts.get(one.value, 0) for one in _ASLEEP), report.instances
    elif progress:
        count, instances = progress.confirmed, progress.instances
    else:
        return "Workers that were told to be quiet take no new jobs until they are woken."
    what = f"{count} of {counted(instances, 'instance')}"
    if count == instances:
        return f"{what} take no new jobs until they are woken."
    return (
        f"{what} take no new jobs until they are woken. On the others, workers that were told to be quiet "
        "finish their jobs and then stay quiet, too."
    )


def wake_line(request: StatedRequest, options: Sequence[str] = ()) -> str:
    """The command that wakes what the request has quieted: the same application, environments and regions."""
    return shell_line(*map(visible, arguments(Action.WAKE, request)), *options)


def _may_have_sent(ended: Ended) -> bool:
    return bool(ended.report.instances or ended.so_far.may_have_sent)
