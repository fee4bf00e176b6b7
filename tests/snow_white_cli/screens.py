"""What is printed on a terminal of a given width, as lines; and the runs that are printed there."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, Final

from rich.console import Console

from snow_white_cli.runs import Ended
from snow_white_cli.showing.headlines import Headlines
from snow_white_cli.showing.output import print_end

WIDTHS: Final = (60, 80, 120)
REQUEST: Final = {"action": "quiet", "application": "backups", "environments": "workers"}
SUPERVISOR: Final = "systemd:sidekiq@default.service"


def screen(width: int, show: Callable[[Console], object]) -> list[str]:
    """The lines that `show` prints, without trailing spaces."""
    text = io.StringIO()
    show(Console(file=text, width=width, highlight=False))
    return [line.rstrip() for line in text.getvalue().splitlines()]


def end_screen(width: int, ended: Ended, request: object = REQUEST) -> list[str]:
    """How the end of a run is shown."""
    return screen(width, lambda console: print_end(console, ended, Headlines.of(request)))


def process(pid: int, state: str, busy: int, supervisor: str = "systemd:worker.service") -> dict[str, Any]:
    """A process of a report, which runs `busy` jobs."""
    return {
        "pid": pid,
        "version": "6.4.1",
        "tag": "backups",
        "busy": busy,
        "state": state,
        "supervisor": supervisor,
    }


def instance(number: int, verdict: str, reason: str = "", *processes: dict[str, Any]) -> dict[str, Any]:
    """An instance of a report."""
    return {
        "region": "us-east-1",
        "environment": "backups-workers",
        "instance": f"i-{number:017x}",
        "verdict": verdict,
        "reason": reason,
        "processes": list(processes),
    }


def status_report() -> Ended:
    """Two hosts, of which one drains."""
    hosts = [
        instance(10, "reported", "", process(812, "awake", 2), process(23456, "quieting", 12, SUPERVISOR)),
        instance(11, "reported", "", process(97, "quiet", 0)),
    ]
    report = {
        "result": "confirmed",
        "action": "status",
        "instances": 2,
        "counts": {"reported": 2},
        "processes": {"awake": 1, "quieting": 1, "quiet": 1},
        "duration_seconds": 9,
        "hosts": hosts,
    }
    return Ended("SUCCEEDED", None, None, report)


def failed_quiet() -> Ended:
    """Of three instances one is quiet, one busy and one unreachable."""
    report = {
        "result": "not_confirmed",
        "error": "NotConfirmed",
        "cause": "1 of 3 instances are confirmed quiet.",
        "instances": 3,
        "counts": {"quiet": 1, "busy": 1, "unreachable": 1},
        "problems": [
            instance(10, "busy", "its time is over, and jobs still run", process(812, "quieting", 2)),
            instance(11, "unreachable", "it is not registered in Systems Manager"),
        ],
        "what_to_do": {
            "busy": "jobs are still running; none was killed. Wait until they have finished, then run quiet again.",
            "unreachable": "check in Systems Manager, Fleet Manager, that the agent is online.",
        },
    }
    return Ended("FAILED", "NotConfirmed", "1 of 3 instances are confirmed quiet.", report)
