"""What a person sees at 60, 80 and 120 columns."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from snow_white.model.run_so_far import RunSoFar
from snow_white_cli.reading import read
from snow_white_cli.runs import Ended
from snow_white_cli.showing.headlines import Headlines
from snow_white_cli.showing.progress import RunProgress, clock
from snow_white_cli.showing.progress_display import open_display
from snow_white_cli.showing.run_list import RecentRun, print_runs
from tests.snow_white_cli.screens import (
    SUPERVISOR,
    WIDTHS,
    end_screen,
    failed_quiet,
    instance,
    process,
    screen,
    status_report,
)

STATUS = {"action": "status", "application": "backups"}
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LONGEST_NAME = "wake-" + "n" * 75


def run(name: str) -> RecentRun:
    requester = "arn:aws:sts::111122223333:assumed-role/Deploy/ann@example.com"
    started, ended = NOON.isoformat(), NOON.replace(minute=12, second=4).isoformat()
    return RecentRun(
        name, "FAILED", started, ended, "quiet", "backups", requester, "NotConfirmed", "1 of 3 are quiet."
    )


def test_a_host_is_a_block_with_a_line_for_each_process_at_60_columns() -> None:
    assert end_screen(60, status_report(), STATUS) == [
        "All workers of backups have reported: 2 reported, after",
        "0:09.",
        "Hosts and their Sidekiq processes",
        "backups-workers  us-east-1  i-0000000000000000a",
        "    812  awake      2 jobs  systemd:worker.service",
        "  23456  quieting  12 jobs  systemd:sidekiq@default.service",
        "backups-workers  us-east-1  i-0000000000000000b",
        "     97  quiet      0 jobs  systemd:worker.service",
        "2 hosts, 3 processes (1 awake, 1 quiet, 1 quieting), 14",
        "jobs.",
        "Draining: backups-workers i-0000000000000000a (us-east-1, 14",
        "jobs).",
    ]


def test_version_and_tag_stand_behind_at_80_columns() -> None:
    assert end_screen(80, status_report(), STATUS)[2:6] == [
        "backups-workers  us-east-1  i-0000000000000000a",
        "    812  awake      2 jobs  systemd:worker.service           6.4.1 backups",
        "  23456  quieting  12 jobs  systemd:sidekiq@default.service  6.4.1 backups",
        "backups-workers  us-east-1  i-0000000000000000b",
    ]


def test_hosts_are_a_table_where_it_fits() -> None:
    lines = end_screen(140, status_report(), STATUS)
    (row,) = [line for line in lines if "23456" in line]
    assert [cell.strip() for cell in row.split("│")[1:-1]] == [
        "", "", "", "23456", "quieting", "12", "backups", "6.4.1", SUPERVISOR,
    ]  # fmt: skip


def asleep_report() -> Ended:
    """The two hosts, of which one was put to sleep by a run, at noon."""
    ended = status_report()
    host = ended.output["hosts"][1]
    host["asleep_by"] = "quiet-ann"
    host["processes"][0]["since"] = NOON.isoformat()
    return Ended(ended.status, None, None, ended.output)


def test_a_host_says_which_run_has_put_it_to_sleep_and_each_process_since_when() -> None:
    lines = end_screen(80, asleep_report(), STATUS)
    assert [line for line in lines if "put to sleep" in line] == [
        "backups-workers  us-east-1  i-0000000000000000b  put to sleep by quiet-ann"
    ]
    assert [line for line in lines if "quiet since 03-01 12:00 UTC" in line]


def test_the_table_has_a_column_for_the_run_that_has_put_a_process_to_sleep() -> None:
    lines = end_screen(200, asleep_report(), STATUS)
    (row,) = [line for line in lines if " 97 " in line]
    cells = [cell.strip() for cell in row.split("│")[1:-1]]
    assert cells[4] == "quiet since 03-01 12:00 UTC"
    assert cells[-1] == "quiet-ann"
    (awake,) = [line for line in lines if " 812 " in line]
    assert [cell.strip() for cell in awake.split("│")[1:-1]][-1] == ""


@pytest.mark.parametrize("width", [40, *WIDTHS, 140, 240])
def test_state_jobs_and_supervisor_are_whole_at_every_width(width: int) -> None:
    text = re.sub(r"\s+", " ", " ".join(end_screen(width, status_report(), STATUS)).replace("│", " "))
    for whole in ("quieting", "i-0000000000000000b", "systemd:worker.service"):
        assert whole in text
    assert SUPERVISOR in text.replace(" ", "") if width < 60 else SUPERVISOR in text
    assert "12 jobs" in text or " 12 " in text
    assert all(len(line) <= width for line in end_screen(width, status_report(), STATUS))


def test_the_totals_count_all_hosts_and_say_when_the_jobs_are_not_all_known() -> None:
    hosts = [instance(n, "reported", "", process(n, "quieting", n)) for n in range(1, 13)]
    report = {
        "result": "confirmed",
        "instances": 150,
        "processes": {"quieting": 140, "awake": 9},
        "more_processes": 1,
        "counts": {"reported": 150},
        "hosts": hosts,
        "more_hosts": 138,
    }
    text = " ".join(end_screen(240, Ended("SUCCEEDED", None, None, report), STATUS))
    assert "150 hosts, 150 processes (9 awake, 140 quieting), at least 78 jobs." in text
    assert "Draining: backups-workers i-0000000000000000c (us-east-1, 12 jobs), " in text
    assert "i-00000000000000003 (us-east-1, 3 jobs) and 2 more." in text


def test_a_failed_quiet_says_what_to_do_what_sleeps_and_how_to_wake_it() -> None:
    assert end_screen(80, failed_quiet()) == [
        "The workers of backups are NOT confirmed quiet.",
        "Not confirmed",
        "backups-workers  us-east-1  i-0000000000000000a  busy",
        "  its time is over, and jobs still run (process 812: 2 jobs)",
        "backups-workers  us-east-1  i-0000000000000000b  unreachable",
        "  it is not registered in Systems Manager",
        "What to do",
        "  busy: jobs are still running; none was killed. Wait until they have finished,",
        "  then run quiet again.",
        "  unreachable: check in Systems Manager, Fleet Manager, that the agent is",
        "  online.",
        "1 of 3 instances take no new jobs until they are woken. On the others, workers",
        "that were told to be quiet finish their jobs and then stay quiet, too. To wake",
        "all of them:",
        "  snow-white wake backups -e workers",
    ]


def test_the_reasons_are_a_table_at_120_columns() -> None:
    lines = end_screen(120, failed_quiet())
    (row,) = [line for line in lines if "unreachable" in line and "│" in line]
    assert [cell.strip() for cell in row.split("│")[1:-1]] == [
        "backups-workers",
        "us-east-1",
        "i-0000000000000000b",
        "unreachable",
        "it is not registered in Systems Manager",
    ]
    assert max(map(len, lines)) <= 120


def test_a_stopped_run_says_how_far_it_was() -> None:
    so_far = {"dispatched_at": NOON.isoformat(), "progress": {"confirmed": 12, "instances": 60}}
    stopped = Ended("ABORTED", "StoppedByPerson", "Stopped by ann.", {}, read(so_far, RunSoFar))
    text = " ".join(end_screen(200, stopped))
    assert "The run was stopped. Stopped by ann. 12 of 60 instances take no new jobs until they are" in text
    assert text.endswith("snow-white wake backups -e workers")


def test_a_run_that_was_stopped_while_it_sent_its_first_commands_says_how_to_wake_who_got_them() -> None:
    so_far = {"dispatched_at": None, "progress": {"confirmed": 0, "instances": 60}}
    stopped = Ended("ABORTED", "StoppedByPerson", "Stopped by ann.", {}, read(so_far, RunSoFar))
    text = " ".join(end_screen(200, stopped))
    assert (
        "0 of 60 instances take no new jobs until they are woken. On the others, workers that were told"
        in text
    )
    assert text.endswith("snow-white wake backups -e workers")


@pytest.mark.parametrize(
    ("request_", "line"),
    [
        ({"application": "backups"}, "snow-white wake backups"),
        (
            {"application": "my app", "environments": ["a", "b*"], "regions": ["eu-west-1"]},
            "snow-white wake 'my app' -e a -e 'b*' -r eu-west-1",
        ),
        ({"application": "-x"}, "snow-white wake -p -x"),
    ],
)
def test_the_line_to_wake_names_what_the_request_named(request_: dict[str, Any], line: str) -> None:
    assert end_screen(200, failed_quiet(), {"action": "stop", **request_})[-1] == f"  {line}"


@pytest.mark.parametrize("action", ["wake", "status", "dance"])
def test_only_what_was_to_be_quiet_is_woken(action: str) -> None:
    assert "snow-white wake" not in " ".join(
        end_screen(200, failed_quiet(), {"action": action, "application": "backups"})
    )


def test_a_run_that_sent_nothing_leaves_nothing_to_wake() -> None:
    nothing = Ended("FAILED", "NothingMatched", "No environment matches.", {"error": "NothingMatched"})
    assert end_screen(200, nothing) == [
        "The workers of backups are NOT confirmed quiet.",
        "NothingMatched: No environment matches.",
    ]


def test_the_name_of_a_run_is_on_a_line_of_its_own_where_the_table_does_not_fit() -> None:
    shown = screen(80, lambda console: print_runs(console, [run("quiet-1")], NOON))
    assert shown == [
        "Runs of Snow White",
        "quiet-1",
        "  03-01 12:00  quiet  backups  failed: NotConfirmed  12:04",
        "  arn:aws:sts::111122223333:assumed-role/Deploy/ann@example.com",
    ]


@pytest.mark.parametrize("width", [*WIDTHS, 240])
def test_the_longest_name_of_a_run_is_whole(width: int) -> None:
    assert [
        line
        for line in screen(width, lambda console: print_runs(console, [run(LONGEST_NAME)], NOON))
        if LONGEST_NAME in line
    ]


EVIL = "\x1b[2J\x1b[31mred\x07\r\n\x9b1A\u202e"


def replaced(value: Any) -> Any:
    """The JSON with escape sequences at the end of each text."""
    match value:
        case str():
            return value + EVIL
        case list():
            return [replaced(one) for one in value]
        case dict():
            return {key: replaced(one) for key, one in value.items()}
    return value


@pytest.mark.parametrize("width", WIDTHS)
def test_escape_sequences_in_anything_are_shown_and_not_obeyed(width: int) -> None:
    request = {"action": "quiet", "application": f"backups{EVIL}", "environments": EVIL, "regions": [EVIL]}
    report = {
        **replaced(status_report().output),
        **replaced(failed_quiet().output),
        "result": "not_confirmed",
    }
    report["notes"] = [replaced(instance(12, "gone", "x"))]
    report["slack"] = {"not_told": [EVIL]}
    ends = [Ended("FAILED", "NotConfirmed", "x", report), Ended("FAILED", f"E{EVIL}", f"c{EVIL}", {})]
    shown = [line for end in ends for line in end_screen(width, end, request)]
    evil = RecentRun(EVIL, "FAILED", NOON.isoformat(), None, EVIL, EVIL, EVIL, EVIL, EVIL)
    shown += screen(width, lambda console: print_runs(console, [evil], NOON))
    assert all(line.isprintable() for line in shown)
    assert "\\x1b[31mred" in "".join(line.strip() for line in shown)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_progress_is_one_line_with_the_numbers_whole(width: int) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    text = Terminal()
    console = Console(file=text, width=width, force_terminal=True, color_system=None, _environ={})
    state = {
        "request": {"timeout_seconds": 7200},
        "dispatched_at": NOON.isoformat(),
        "progress": {"confirmed": 1037, "instances": 2040},
    }
    progress = RunProgress.read(read(state, RunSoFar), NOON, NOON.replace(hour=13))
    with open_display(
        console, Headlines.of({"action": "quiet", "application": "a-rather-long-name" * 3})
    ) as display:
        display.show(progress)
    shown = [
        line.rstrip() for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "\n", text.getvalue()).splitlines()
    ]
    (line,) = {line for line in shown if "1037" in line}
    assert "1037 of 2040 instances quiet" in line
    assert "1:00:00" in line
    assert len(line) <= width


def readme_lines() -> list[str]:
    return (Path(__file__).parents[2] / "README.md").read_text().splitlines()


@pytest.mark.parametrize(("action", "done", "seconds"), [("quiet", "quiet", 727), ("wake", "awake", 41)])
def test_the_readme_shows_the_end_of_a_run_as_it_is_printed(action: str, done: str, seconds: int) -> None:
    report = {
        "result": "confirmed",
        "action": action,
        "instances": 60,
        "counts": {done: 60},
        "duration_seconds": seconds,
    }
    lines = end_screen(
        100, Ended("SUCCEEDED", None, None, report), {"action": action, "application": "backups"}
    )
    assert [line for line in lines if line in readme_lines()] == lines


def test_the_readme_shows_the_progress_of_a_run_as_it_is_printed() -> None:
    progress = RunProgress(37, 60, NOON.replace(hour=16, minute=2), timedelta(seconds=522))
    headlines = Headlines.of({"action": "quiet", "application": "backups"})
    (line,) = [line for line in readme_lines() if line.startswith("Quieting backups ")]
    bar_removed = re.sub(" [━╺╸]+ ", " | ", line)
    assert bar_removed == (
        f"{headlines.doing} backups | {progress.numbers(headlines.done)} {clock(progress.elapsed)} "
        f"{progress.deadline_text()}"
    )


@pytest.mark.parametrize(
    ("lease", "said"),
    [
        (
            {"wakes_at": NOON.isoformat(), "failure": ""},
            "They will be woken at 2026-03-01 12:00 UTC if nobody does it before.",
        ),
        ({"wakes_at": None, "failure": "no \x1b[31mrole"}, "Nothing will wake them: no \\x1b[31mrole"),
    ],
)
def test_a_run_with_a_lease_says_when_its_workers_will_be_woken_or_why_not(
    lease: dict[str, Any], said: str
) -> None:
    report = {"result": "confirmed", "action": "quiet", "counts": {"quiet": 1}, "lease": lease}
    assert said in end_screen(120, Ended("SUCCEEDED", None, None, report))
