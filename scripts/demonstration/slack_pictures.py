"""Pictures of each kind of Slack message, as wide as a phone, for docs/images; needs Chromium.

PYTHONPATH=scripts:lambdas .venv/bin/python -m demonstration.slack_pictures docs/images
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from local_aws.slack.server import TOKEN, SlackServer
from snow_white.model.action import Action
from snow_white.model.ended_run import EndedRun
from snow_white.model.fleet import Environment, Process, RegionPlan
from snow_white.model.progress import Progress
from snow_white.model.report import Problem, Report, Result
from snow_white.model.request import Request
from snow_white.model.run import Execution, Run
from snow_white.model.slack_state import Requester
from snow_white.model.stated_request import StatedRequest
from snow_white.model.stopping import RUN_ABORTED, RUN_TIMED_OUT
from snow_white.model.stragglers import Straggler, Stragglers
from snow_white.slack.client import Slack, slack_client
from snow_white.slack.message import Message, final_message, final_reply, working_message
from snow_white.slack.time_limit import TimeLimit

_WIDTH: Final = 390
_CHANNEL: Final = "C0LOCAL"
_STARTED: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_EXECUTION: Final = Execution(
    "arn:aws:states:us-east-1:111122223333:execution:SnowWhite:quiet-1", "quiet-1", _STARTED
)
_ANN: Final = Requester("ann", "U0ANN")
_REQUEST: Final = Request(Action.QUIET, "backups", ("workers",), ("us-east-1",), slack_user="U0ANN")
_RUN: Final = Run(
    _EXECUTION,
    _REQUEST,
    (
        RegionPlan(
            "us-east-1", (Environment("backups-workers", "e-1"), Environment("backups-mail", "e-2")), 60
        ),
    ),
    progress=Progress(12, 60),
    dispatched_at=_STARTED + timedelta(seconds=20),
)
_ENDED: Final = EndedRun(_EXECUTION, StatedRequest.of(_REQUEST))
_REPORT: Final = Report(
    result=Result.NOT_CONFIRMED,
    error="NotConfirmed",
    cause="20 of 60 instances are confirmed quiet.",
    action="quiet",
    application="backups",
    environments=("backups-mail", "backups-workers"),
    regions=("us-east-1",),
    instances=60,
    counts={"quiet": 20, "busy": 40},
    duration_seconds=7_200,
)
_NOTHING: Final = replace(
    _REPORT, instances=0, counts={}, environments=None, regions=None, duration_seconds=2
)
_STOPPED: Final = replace(_NOTHING, so_far=Progress(12, 60), duration_seconds=725)


@dataclass(frozen=True)
class Picture:
    """A message with the reply in its thread, in a window so high."""

    height: int
    message: Message
    reply: str = ""


def pictures() -> Iterator[tuple[str, Picture]]:
    """The pictures by name."""
    yield "quieting", Picture(600, _working(_RUN))
    stragglers = Stragglers(listed=tuple(_stragglers(10)), more=30, known_at=_STARTED + timedelta(minutes=12))
    yield (
        "still-busy",
        Picture(900, _working(replace(_RUN, progress=Progress(20, 60), stragglers=stragglers))),
    )
    confirmed = replace(_REPORT, result=Result.CONFIRMED, counts={"quiet": 60}, duration_seconds=725)
    yield "quiet", _at_end(640, replace(confirmed, error=None, cause=None))
    busy = tuple(_busy(one) for one in _stragglers(40))
    yield "not-quiet", _at_end(1_260, replace(_REPORT, problems=busy))
    yield (
        "stopped",
        _at_end(770, replace(_STOPPED, error=RUN_ABORTED, stopped_by="ann", cause="It was stopped.")),
    )
    yield "out-of-time", _at_end(830, replace(_STOPPED, error=RUN_TIMED_OUT, cause=_TOO_LONG))
    unmatched = "No environment of backups in us-east-1 matches 'wrokers'."
    yield "not-started", _at_end(520, replace(_NOTHING, error="NothingMatched", cause=unmatched))
    wrong = "'action' must be one of quiet, stop, wake, status, not 'sleep'."
    yield "wrong-input", _at_end(570, replace(_NOTHING, error="InvalidRequest", cause=wrong, action="sleep"))


_TOO_LONG: Final = "The run was ended at the longest duration of an execution."


def _working(run: Run) -> Message:
    return working_message(run, _ANN, slash_command=True)


def _at_end(height: int, report: Report) -> Picture:
    message = final_message(report, _ENDED, _ANN, slash_command=True)
    return Picture(height, message, final_reply(report, _ANN))


def _stragglers(count: int) -> Iterator[Straggler]:
    for number in range(count, 0, -1):
        environment = "backups-workers" if number % 3 else "backups-mail"
        yield Straggler("us-east-1", environment, f"i-0{number * 0x1F3A5B7:016x}", number)


def _busy(one: Straggler) -> Problem:
    return Problem(
        region=one.region,
        environment=one.environment,
        instance=one.instance,
        verdict="busy",
        reason="Still running.",
        processes=(Process(812, busy=one.jobs or 0, state="quieting"),),
    )


def take(name: str, picture: Picture, folder: Path) -> None:
    """Post the message to a Slack of its own, and let Chromium photograph its page."""
    server = SlackServer()
    server.start()
    server.workspace.add_person("U0ANN", "ann@example.com", "ann")
    slack = Slack(slack_client(TOKEN, server.url, TimeLimit()))
    post = slack.post(_CHANNEL, picture.message)
    if post is not None and picture.reply:
        slack.reply(post, picture.reply)
    if slack.failures:
        raise RuntimeError(f"{name}: {slack.failures}")
    chromium = shutil.which("chromium") or shutil.which("google-chrome") or "chromium"
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                chromium,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--force-device-scale-factor=1",
                f"--user-data-dir={profile}",
                f"--window-size={_WIDTH},{picture.height}",
                f"--screenshot={folder / f'slack-{name}.png'}",
                server.url.removesuffix("api/"),
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )
    server.stop()


def main() -> None:
    """Take all pictures."""
    folder = Path(sys.argv[1]).absolute()
    for name, picture in pictures():
        take(name, picture, folder)


if __name__ == "__main__":
    main()
