"""`quiet` and `stop` with a command: it is run only if that is confirmed, and the workers are woken in any case."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import eventually
from tests.snow_white_cli.aws_server import serving
from tests.snow_white_cli.terminal import CTRL_C, ROOT, environment, running, snow_white, terminal

CONFIRMED = ["confirmed"]
WOKEN = "/scripts/snow-white wake backups -e workers -r us-east-1"
# Says that it runs, then how it was interrupted, and ends with 7.
STUBBORN = (
    "import signal, sys, time\n"
    "def handle(number, frame):\n"
    "    print('got', signal.Signals(number).name, flush=True)\n"
    "    sys.exit(7)\n"
    "for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):\n"
    "    signal.signal(number, handle)\n"
    "print('deploying', flush=True)\n"
    "time.sleep(60)\n"
)


def python(program: str) -> tuple[str, ...]:
    return ("--", sys.executable, "-c", program)


def test_the_command_runs_between_quiet_and_wake_with_its_own_streams(tmp_path: Path) -> None:
    with serving(quiet=CONFIRMED, wake=["confirmed"]) as (runs, variables):
        result = subprocess.run(
            [
                ROOT / "scripts" / "snow-white",
                *("quiet", "backups", "-e", "workers", "-r", "us-east-1", "--timeout", "30m"),
                *("--channel", "C0NIGHT", "--", "sh", "-c", "cat; echo diagnosis >&2; pwd"),
            ],
            env=environment(variables),
            input="the standard input",
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
        )
    assert result.returncode == 0
    assert result.stdout == f"the standard input{tmp_path}\n"
    parts = ("confirmed quiet", "Running: sh -c", "diagnosis", "Exit code 0", "confirmed awake")
    places = [result.stderr.index(part) for part in parts]
    assert places == sorted(places)
    quiet, wake = (run.request for run in runs.runs)
    assert (quiet["action"], wake["action"]) == ("quiet", "wake")
    assert quiet.keys() >= {"application", "environments", "regions", "timeout_seconds", "channel"}
    assert {**wake, "action": "quiet"} == quiet


@pytest.mark.parametrize(("program", "code"), [("exit 3", 3), ("kill -TERM $$", 128 + signal.SIGTERM)])
def test_the_exit_code_is_the_command_s_own_also_if_it_fails_and_the_workers_are_woken(
    program: str, code: int
) -> None:
    with serving(quiet=["confirmed"], wake=["confirmed"]) as (runs, variables):
        result = snow_white("quiet", "backups", "--", "sh", "-c", program, **variables)
    assert result.returncode == code
    assert runs.actions == ["quiet", "wake"]
    assert f"Exit code {code}: sh -c" in result.stderr


def test_stop_is_such_a_bracket_too() -> None:
    with serving(stop=["confirmed"], wake=["confirmed"]) as (runs, variables):
        assert snow_white("stop", "backups", "--", "true", **variables).returncode == 0
    assert runs.actions == ["stop", "wake"]


def test_without_a_confirmation_the_command_is_not_run_and_those_that_sleep_are_woken(tmp_path: Path) -> None:
    with serving(quiet=["NotConfirmed"], wake=["confirmed"]) as (runs, variables):
        result = snow_white("quiet", "backups", "--", "touch", str(tmp_path / "deployed"), **variables)
    assert result.returncode == 125
    assert not (tmp_path / "deployed").exists()
    assert f"NOT run, because the workers are not confirmed quiet: touch {tmp_path}" in result.stderr
    assert runs.actions == ["quiet", "wake"]
    assert "snow-white wake" not in result.stderr  # it is done, so nobody has to
    assert "The workers of backups are confirmed awake" in result.stderr


@pytest.mark.parametrize("error", ["NothingMatched", "OppositeRunUnderWay"])
def test_if_nothing_was_sent_nothing_is_woken(error: str) -> None:
    with serving(quiet=[error]) as (runs, variables):
        result = snow_white("quiet", "backups", "--", "true", **variables)
    assert result.returncode == 125
    assert runs.actions == ["quiet"]
    assert "Nothing was sent to any worker, so nothing is woken." in result.stderr


def test_a_wake_that_is_not_confirmed_has_an_exit_code_of_its_own_and_the_line_to_repeat_it() -> None:
    with serving(quiet=["confirmed"], wake=["NotConfirmed"]) as (_, variables):
        to = ("backups", "-e", "workers", "-r", "us-east-1")
        result = snow_white("quiet", *to, "--", "true", **variables)
    assert result.returncode == 124
    assert "The workers are NOT confirmed awake." in result.stderr
    assert WOKEN in result.stderr


def test_a_wake_that_cannot_be_started_is_said_with_the_line_to_wake_them() -> None:
    with serving(quiet=["confirmed"], wake=[]) as (runs, variables):
        runs.refuse_starts_of.add("wake")
        result = snow_white("quiet", "backups", "--", "true", **variables)
    assert result.returncode == 124
    assert "AWS denied access" in result.stderr
    assert "/scripts/snow-white wake backups" in result.stderr


def test_a_quiet_that_cannot_be_started_ends_with_125_and_nothing_is_woken() -> None:
    with serving(quiet=[], wake=[]) as (runs, variables):
        runs.refuse_starts_of.add("quiet")
        result = snow_white("quiet", "backups", "--", "true", **variables)
    assert (result.returncode, runs.actions) == (125, [])
    assert "Nothing was started." in result.stderr


def test_if_they_are_to_sleep_after_a_failure_they_do_and_the_line_to_wake_them_is_printed() -> None:
    to = ("backups", "-e", "workers", "-r", "us-east-1", "--no-wake-if-failed")
    with serving(quiet=["confirmed", "confirmed"], wake=["confirmed"]) as (runs, variables):
        failed = snow_white("quiet", *to, "--", "false", **variables)
        assert (failed.returncode, runs.actions) == (1, ["quiet"])
        assert snow_white("quiet", *to, "--", "true", **variables).returncode == 0
    assert "left asleep" in failed.stderr
    assert WOKEN in failed.stderr
    assert runs.actions == ["quiet", "quiet", "wake"]


def test_a_command_that_cannot_be_run_starts_nothing(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("no program")
    with serving(quiet=[], wake=[]) as (runs, variables):
        missing = snow_white("quiet", "backups", "--", "no-such-program", **variables)
        not_executable = snow_white("quiet", "backups", "--", str(plain), **variables)
    assert (missing.returncode, not_executable.returncode, runs.actions) == (127, 126, [])
    assert "'no-such-program' cannot be run: No such file or directory." in missing.stderr
    assert "cannot be run: Permission denied." in not_executable.stderr


def test_a_command_that_turns_out_to_be_no_program_only_when_it_is_run_is_not_run_and_they_are_woken(
    tmp_path: Path,
) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)
    with serving(quiet=["confirmed"], wake=["confirmed"]) as (runs, variables):
        result = snow_white("quiet", "backups", "--no-wake-if-failed", "--", str(broken), **variables)
    assert (result.returncode, runs.actions) == (127, ["quiet", "wake"])


def test_the_command_gets_the_environment_of_the_caller() -> None:
    program = (
        "import os; print(os.environ.get('PYTHONPATH'), sorted(one for one in os.environ if 'SNOW' in one))"
    )
    with serving(quiet=["confirmed"] * 2, wake=["confirmed"] * 2) as (_, variables):
        mine = snow_white("quiet", "backups", *python(program), **variables, PYTHONPATH="/mine")
        none = snow_white("quiet", "backups", *python(program), **variables, PYTHONPATH="")
    assert mine.stdout == "/mine ['SNOW_WHITE_SETTINGS_FILE', 'SNOW_WHITE_STATE_MACHINE_ARN']\n"
    assert none.stdout.startswith("None ")


def test_as_json_standard_output_has_one_object_and_the_command_s_output_is_on_standard_error() -> None:
    with serving(quiet=["confirmed"], wake=["NotConfirmed"]) as (runs, variables):
        result = snow_white(
            "quiet", "backups", "--json", "--", "sh", "-c", "echo deployed; exit 3", **variables
        )
    answer = json.loads(result.stdout)
    assert "deployed\n" in result.stderr
    assert (answer["quiet"]["status"], answer["wake"]["error"]) == ("SUCCEEDED", "NotConfirmed")
    assert [answer["quiet"]["name"], answer["wake"]["name"]] == [run.name for run in runs.runs]
    assert answer["command"] == ["sh", "-c", "echo deployed; exit 3"]
    assert (answer["command_exit_code"], answer["exit_code"], result.returncode) == (3, 124, 124)


def test_as_json_what_did_not_happen_is_null() -> None:
    with serving(quiet=["NothingMatched"]) as (_, variables):
        answer = json.loads(snow_white("quiet", "backups", "--json", "--", "true", **variables).stdout)
    assert answer["quiet"]["error"] == "NothingMatched"
    assert (answer["command_exit_code"], answer["wake"], answer["exit_code"]) == (None, None, 125)


def test_ctrl_c_reaches_the_command_once_and_then_they_are_woken() -> None:
    with (
        serving(quiet=["confirmed"], wake=["confirmed"]) as (runs, variables),
        terminal("quiet", "backups", *python(STUBBORN), **variables) as person,
    ):
        person.wait_for("deploying\r\n")
        person.press(CTRL_C)
        assert person.end() == 7
    assert person.shown.count("got SIGINT") == 1
    assert "confirmed awake" in person.shown
    assert runs.actions == ["quiet", "wake"]


def test_a_second_ctrl_c_leaves_the_wake_running_and_says_how_to_follow_and_repeat_it() -> None:
    with (
        serving(quiet=["confirmed"], wake=["running"]) as (runs, variables),
        terminal("quiet", "backups", *python(STUBBORN), **variables) as person,
    ):
        person.wait_for("deploying\r\n")
        person.press(CTRL_C)
        person.wait_for("Started wake-backups")
        person.wait_for("Waking backups")
        person.press(CTRL_C)
        assert person.end() == 124
        wake = runs.runs[-1]
        assert wake.status == "RUNNING"
    assert f"snow-white follow {wake.name}" in person.shown
    assert "/scripts/snow-white wake backups" in person.shown


@pytest.mark.parametrize("answer", ["s\n", CTRL_C])
def test_ctrl_c_while_they_become_quiet_asks_and_then_stops_the_run_and_wakes_them(answer: str) -> None:
    with (
        serving(quiet=["running"], wake=["confirmed"]) as (runs, variables),
        terminal("quiet", "backups", *python("print('deployed')"), **variables) as person,
    ):
        person.wait_for("Quieting backups")
        person.press(CTRL_C)
        person.wait_for("What do you want to do?")
        assert "leave it running" not in person.shown
        person.press(answer)
        assert person.end() == 125
    assert [(run.request["action"], run.status) for run in runs.runs] == [
        ("quiet", "ABORTED"),
        ("wake", "SUCCEEDED"),
    ]
    assert "deployed\r\n" not in person.shown


def test_after_ctrl_c_it_may_be_watched_on_and_the_command_is_run() -> None:
    with (
        serving(quiet=["running"], wake=["confirmed"]) as (runs, variables),
        terminal("quiet", "backups", *python("print('deployed')"), **variables) as person,
    ):
        person.wait_for("Quieting backups")
        person.press(CTRL_C)
        person.wait_for("What do you want to do?")
        runs.end("quiet")
        person.press("w\n")
        assert person.end() == 0
    assert "deployed\r\n" in person.shown


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_without_a_terminal_is_passed_on_to_the_command_and_they_are_woken(
    number: signal.Signals, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with serving(quiet=["confirmed"], wake=["confirmed"]) as (runs, variables):
        process = running(log, "quiet", "backups", *python(STUBBORN), **variables)
        eventually(lambda: "deploying\n" in log.read_text(), "the command runs")
        process.send_signal(number)
        assert process.wait(600) == 7
    assert f"got {number.name}\n" in log.read_text()
    assert runs.actions == ["quiet", "wake"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_they_become_quiet_stops_the_run_and_wakes_them(
    number: signal.Signals, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with serving(quiet=["running"], wake=["confirmed"]) as (runs, variables):
        process = running(log, "quiet", "backups", *python("print('deployed')"), **variables)
        eventually(lambda: "of 2 instances quiet" in log.read_text(), "the run is followed")
        process.send_signal(number)
        assert process.wait(600) == 125
    assert "deployed\n" not in log.read_text()
    assert [(run.request["action"], run.status) for run in runs.runs] == [
        ("quiet", "ABORTED"),
        ("wake", "SUCCEEDED"),
    ]


def test_with_nohup_a_closed_terminal_interrupts_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log"
    hang_up = "import os, signal; os.kill(os.getppid(), signal.SIGHUP); print('deployed')"
    with serving(quiet=["confirmed"], wake=["confirmed"]) as (_, variables):
        former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            process = running(log, "quiet", "backups", *python(hang_up), **variables)
        finally:
            signal.signal(signal.SIGHUP, former)
        assert process.wait(600) == 0
    assert "deployed\n" in log.read_text()


def test_when_the_terminal_is_closed_the_command_ends_and_they_are_woken() -> None:
    with (
        serving(quiet=["confirmed"], wake=["confirmed"]) as (runs, variables),
        terminal(
            "quiet", "backups", "--", "sh", "-c", "echo deploying; exec sleep 60", **variables
        ) as person,
    ):
        person.wait_for("deploying\r\n")
        person.hang_up()
        assert person.end() == 128 + signal.SIGHUP
    assert runs.actions == ["quiet", "wake"]


def test_output_that_nobody_reads_any_more_does_not_keep_them_from_being_woken() -> None:
    read, write = os.pipe()
    with serving(quiet=["confirmed"], wake=["confirmed"]) as (runs, variables):
        process = subprocess.Popen(
            [ROOT / "scripts" / "snow-white", "quiet", "backups", "--json", "--", "sh", "-c", "exit 3"],
            env=environment(variables),
            stdin=subprocess.DEVNULL,
            stdout=write,
            stderr=write,
        )
        os.close(write)
        os.close(read)
        assert process.wait(600) == 3
    assert runs.actions == ["quiet", "wake"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("quiet", "--", "true"), "Missing argument 'APPLICATION'"),
        (("quiet", "backups", "--"), "There is no command after '--'."),
        (("quiet", "backups", "--forever", "--", "true"), "No such option '--forever'"),
        (("quiet", "backups", "--no-wait", "--", "true"), "--no-wait contradicts a command"),
        (("quiet", "backups", "--profile", "nobody", "--", "true"), "(nobody) could not be found."),
    ],
)
def test_wrong_usage_with_a_command_ends_with_125_which_is_not_the_command_s(
    arguments: tuple[str, ...], message: str
) -> None:
    result = snow_white(*arguments)
    assert result.returncode == 125
    assert message in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("wake", "backups", "--", "true"), "Got unexpected extra argument (true)"),
        (("status", "backups", "--", "true"), "Got unexpected extra argument (true)"),
        (("quiet", "backups", "--no-wake-if-failed"), "--no-wake-if-failed needs a command after '--'."),
    ],
)
def test_what_brackets_nothing_takes_no_command(arguments: tuple[str, ...], message: str) -> None:
    result = snow_white(*arguments)
    assert result.returncode == 2
    assert message in result.stderr
