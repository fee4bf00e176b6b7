"""Pictures of each kind of Slack message as wide as a phone, and of the local Slack, for docs/images; needs Chromium.

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
from snow_white.model.fleet import ENVIRONMENT_NAME_TAG, Group, Process, RegionPlan
from snow_white.model.lease import Lease
from snow_white.model.progress import Progress
from snow_white.model.reminder import Reminder
from snow_white.model.report import InstanceResult, Problem, Report, Result
from snow_white.model.request import Request
from snow_white.model.run import Execution, Run
from snow_white.model.slack_state import Requester
from snow_white.model.stated_request import StatedRequest
from snow_white.model.stopping import RUN_ABORTED, RUN_TIMED_OUT
from snow_white.model.stragglers import Straggler, Stragglers
from snow_white.model.termination import Completion, LifecycleAction, Notice, Termination
from snow_white.reporting.advice import what_to_do
from snow_white.slack.client import Slack, slack_client
from snow_white.slack.message import Message, final_message, final_reply, working_message
from snow_white.slack.reminder_reply import reminder_reply
from snow_white.slack.time_limit import TimeLimit

_PHONE: Final = 390
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
    (RegionPlan("us-east-1", (Group("backups-workers", "e-1"), Group("backups-mail", "e-2")), 60),),
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
    """Messages, each with the replies in its thread, in a window of that size."""

    height: int
    messages: tuple[tuple[Message, *tuple[str, ...]], ...]
    width: int = _PHONE


def pictures() -> dict[str, Picture]:
    """The pictures by name."""
    stragglers = Stragglers(listed=tuple(_stragglers(10)), more=30, known_at=_STARTED + timedelta(minutes=12))
    confirmed = replace(_REPORT, result=Result.CONFIRMED, error=None, cause=None, counts={"quiet": 60})
    busy = replace(_REPORT, problems=tuple(_busy(one) for one in _stragglers(40)))
    quieting = _working(_RUN)
    wakes_at = _STARTED + timedelta(minutes=90)
    leased = _at_end(replace(confirmed, duration_seconds=725, lease=Lease(wakes_at)))
    quiet, not_quiet = _at_end(replace(confirmed, duration_seconds=725)), _at_end(busy)
    stopped = replace(_STOPPED, error=RUN_ABORTED, stopped_by="ann", cause="It was stopped.")
    too_long = "The run was ended at the longest duration of an execution."
    unmatched = "No environment of backups in us-east-1 matches 'wrokers'."
    wrong = "'action' must be one of quiet, stop, wake, status, not 'sleep'."
    late = replace(_RUN, progress=Progress(20, 60), stragglers=stragglers)
    timed_out = replace(_STOPPED, error=RUN_TIMED_OUT, cause=too_long)
    not_started = replace(_NOTHING, error="NothingMatched", cause=unmatched)
    wrong_input = replace(_NOTHING, error="InvalidRequest", cause=wrong, action="sleep")
    return {
        "slack-quieting": Picture(600, (quieting,)),
        "slack-still-busy": Picture(900, (_working(late),)),
        "slack-quiet": Picture(630, (quiet,)),
        "slack-not-quiet": Picture(1_260, (not_quiet,)),
        "slack-asleep-until": Picture(760, (leased,)),
        "slack-still-asleep": Picture(800, ((*quiet, _reminder()),)),
        "slack-stopped": Picture(770, (_at_end(stopped),)),
        "slack-out-of-time": Picture(830, (_at_end(timed_out),)),
        "slack-not-started": Picture(640, (_at_end(not_started),)),
        "slack-wrong-input": Picture(600, (_at_end(wrong_input),)),
        "slack-ends-busy": Picture(1_080, (_ends_busy(),)),
        "local-slack": Picture(1_670, (quiet, not_quiet, quieting), width=860),
    }


def _working(run: Run) -> tuple[Message, str]:
    return working_message(run, _ANN, slash_command=True), ""


def _at_end(report: Report) -> tuple[Message, str]:
    return final_message(report, _ENDED, _ANN, slash_command=True), final_reply(report, _ANN)


def _ends_busy() -> tuple[Message, str]:
    """Jobs still run on an instance that Auto Scaling ends now, because it waits no longer."""
    (one,) = _stragglers(1)
    termination = Termination(Notice.LIFECYCLE_ACTION, LifecycleAction("backups-blue", "SnowWhite", "0", 30))
    advice = what_to_do("busy", "quiet", termination)
    assert advice
    report = replace(
        _REPORT,
        application=None,
        environments=None,
        tags=(f"{ENVIRONMENT_NAME_TAG}={one.environment}",),
        groups=(one.environment,),
        instance_ids=(one.instance,),
        instances=1,
        counts={"busy": 1},
        problems=(_busy(one),),
        duration_seconds=2_700,
        what_to_do={"busy": advice},
        lifecycle_action=Completion(completed=True),
    )
    ended = replace(_ENDED, request=replace(_ENDED.request, termination=termination))
    auto_scaling = Requester("Amazon EC2 Auto Scaling (termination in backups-blue)")
    return final_message(report, ended, auto_scaling, slash_command=True), final_reply(report, auto_scaling)


def _reminder() -> str:
    """An hour after the end of the run, two of its instances still sleep."""
    asleep = Process(812, state="quiet", since=_STARTED + timedelta(seconds=31))
    hosts = [
        InstanceResult(
            one.region, one.environment, one.instance, "left_alone", processes=(asleep,), asleep_by="quiet-1"
        )
        for one in _stragglers(2)
    ]
    looked = replace(_NOTHING, action="status", counts={"left_alone": 2}, hosts=tuple(hosts))
    ended_at = _STARTED + timedelta(seconds=725)
    return reminder_reply(
        looked,
        _ENDED.request,
        Reminder("1 quiet-1", ended_at, 1, 3_600, member=_ANN.member),
        slash_command=True,
    )


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
    """Post the messages to a Slack of its own, and let Chromium photograph its page."""
    server = SlackServer()
    server.start()
    server.workspace.add_person("U0ANN", "ann@example.com", "ann")
    slack = Slack(slack_client(TOKEN, server.url, TimeLimit()))
    for message, *replies in picture.messages:
        post = slack.post(_CHANNEL, message)
        for reply in replies:
            if post is not None and reply:
                slack.reply(post, reply)
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
                f"--window-size={picture.width},{picture.height}",
                f"--screenshot={folder / name}.png",
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
    for name, picture in pictures().items():
        take(name, picture, folder)


if __name__ == "__main__":
    main()
