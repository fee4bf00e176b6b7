"""How a run's end is shown, and which exit code it has."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from rich.console import Console

from snow_white.model.run_so_far import RunSoFar
from snow_white.model.stragglers import Straggler, Stragglers
from snow_white_cli.option_types import DURATION
from snow_white_cli.reading import read
from snow_white_cli.runs import Ended
from snow_white_cli.showing.headlines import Headlines
from snow_white_cli.showing.output import as_json, exit_code, print_end
from snow_white_cli.showing.progress import RunProgress
from snow_white_cli.showing.progress_display import LineDisplay
from tests.snow_white_cli.fake_step_functions import ARN, REPORT, START, FakeClock

PROCESS = {
    "pid": 71,
    "version": "6.4.1",
    "tag": "app",
    "busy": 2,
    "state": "awake",
    "supervisor": "systemd:w",
}
ROW = {
    "region": "us-east-1",
    "environment": "backups-workers",
    "instance": "i-0a",
    "verdict": "busy",
    "reason": "its time is over, and [2] jobs still run",
    "processes": [PROCESS],
}


def end(status: str = "FAILED", error: str | None = "NotConfirmed", cause: str = "", **report: Any) -> Ended:
    return Ended(status, error, cause, report)


def shown(ended: Ended, action: str = "quiet") -> str:
    console = Console(file=io.StringIO(), width=200)
    print_end(console, ended, Headlines.of({"action": action, "application": "backups"}))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("ended", "code"),
    [
        (Ended("SUCCEEDED", None, None, REPORT), 0),
        (Ended("SUCCEEDED", None, None, {}), 1),
        (Ended("SUCCEEDED", None, None, {"result": "not_confirmed"}), 1),
        (Ended("FAILED", "NotConfirmed", "", REPORT), 1),
        (Ended("FAILED", "NothingMatched", "", {}), 1),
        (Ended("ABORTED", "StoppedByPerson", "", {}), 1),
        (Ended("TIMED_OUT", None, None, {}), 1),
        (Ended("FAILED", "InvalidRequest", "", {}), 2),
    ],
)
def test_the_exit_code_is_0_only_for_a_confirmed_run(ended: Ended, code: int) -> None:
    assert exit_code(ended) == code


def test_a_confirmed_run_shows_its_counts_and_its_duration() -> None:
    ended = Ended("SUCCEEDED", None, None, REPORT)
    assert "The workers of backups are confirmed quiet: 2 quiet, after 1:30." in shown(ended)


def test_every_instance_that_is_not_confirmed_is_listed_with_its_reason_and_jobs() -> None:
    text = shown(end(problems=[ROW], more_problems=7))
    assert "The workers of backups are NOT confirmed quiet." in text
    assert "its time is over, and [2] jobs still run (process 71: 2 jobs)" in text
    assert all(part in text for part in ("backups-workers", "us-east-1", "i-0a", "busy", "and 7 more"))


def test_a_run_without_a_report_shows_its_cause() -> None:
    assert "NothingMatched: no such application" in shown(
        end(error="NothingMatched", cause="no such application")
    )
    assert "The run was stopped. No reason was given." in shown(end("ABORTED", error=None))


def test_status_is_a_table_of_hosts_and_their_processes() -> None:
    second = {**PROCESS, "pid": 72, "state": "quiet", "busy": 0}
    host = {**ROW, "verdict": "reported", "processes": [PROCESS, second]}
    report: dict[str, Any] = {
        "hosts": [host],
        "more_hosts": 3,
        "counts": {"reported": 4},
        "duration_seconds": 9,
    }
    text = shown(end("SUCCEEDED", None, result="confirmed", **report), "status")
    assert "All workers of backups have reported: 4 reported, after 0:09." in text
    first, last = [line for line in text.splitlines() if "6.4.1" in line]
    assert [part.strip() for part in first.split("│")[1:-1]] == [
        "backups-workers", "us-east-1", "i-0a", "71", "awake", "2", "app", "6.4.1", "systemd:w",
    ]  # fmt: skip
    assert [part.strip() for part in last.split("│")[3:7]] == ["", "72", "quiet", "0"]
    assert "and 3 more" in text


def test_a_failure_to_notify_slack_is_shown() -> None:
    text = shown(end("SUCCEEDED", None, result="confirmed", slack={"not_told": ["channel_not_found: C1"]}))
    assert "Slack: channel_not_found: C1" in text


def test_json_has_the_whole_report_or_null_while_the_run_goes_on() -> None:
    ended = json.loads(as_json(ARN, "SUCCEEDED", Ended("SUCCEEDED", None, None, REPORT)))
    assert (ended["run"], ended["name"], ended["status"]) == (ARN, "quiet-backups-1", "SUCCEEDED")
    assert ended["report"] == REPORT
    assert json.loads(as_json(ARN, "RUNNING"))["report"] is None


def test_a_line_is_printed_for_each_change_and_every_two_minutes() -> None:
    console = Console(file=io.StringIO(), width=100)
    lines = LineDisplay(console, Headlines.of({"action": "wake", "application": "backups"}))
    clock = FakeClock()
    for confirmed in (0, 0, 1, 1, 1, 1):
        run = {"progress": {"confirmed": confirmed, "instances": 2}}
        lines.show(RunProgress.read(read(run, RunSoFar), START, clock.now()))
        clock.sleep(60)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().splitlines() == [
        "0:00 0 of 2 instances awake",
        "2:00 1 of 2 instances awake",
        "4:00 1 of 2 instances awake",
    ]


def test_stragglers_are_listed_with_the_number_of_their_jobs() -> None:
    def straggler(instance: str, jobs: int | None) -> Straggler:
        return Straggler("us-east-1", "backups-workers", instance, jobs)

    known = Stragglers(listed=(straggler("i-0a", 3), straggler("i-0b", 1), straggler("i-0c", None)), more=4)
    assert RunProgress.read(RunSoFar(stragglers=known), START, START).stragglers == (
        "Still waiting for backups-workers i-0a (us-east-1, 3 jobs), backups-workers i-0b (us-east-1, 1 job), "
        "backups-workers i-0c (us-east-1, jobs unknown) and 4 more"
    )
    assert RunProgress.read(RunSoFar(), START, START).stragglers == ""


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("60", 60), ("90s", 90), ("30m", 1800), ("1h30m", 5400), ("48h", 172_800), ("2d", 172_800)],
)
def test_a_timeout_is_written_with_or_without_a_unit(text: str, seconds: int) -> None:
    assert DURATION.convert(text, None, None) == seconds


@pytest.mark.parametrize(
    "given", [None, [], "quiet", {"action": 7}, {"action": ["quiet"], "application": None}]
)
def test_a_run_with_any_input_can_be_shown(given: object) -> None:
    assert Headlines.of(given).doing == "Running"
    assert (
        RunProgress.read(read({"request": given}, RunSoFar), START, START).numbers("")
        == "looking up the instances"
    )
