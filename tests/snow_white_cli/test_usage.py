"""Wrong usage and missing access end the command line with a message, and start nothing."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from snow_white.version import VERSION
from tests.snow_white_cli.terminal import ROOT, snow_white

NOWHERE = "http://127.0.0.1:1"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["quite", "-p", "backups"], "No such command 'quite'"),
        (
            ["quiet"],
            "Missing argument 'APPLICATION': the Elastic Beanstalk application. In its place there may be --asg",
        ),
        (["quiet", "--tag", "Role"], "'Role' must be a tag KEY=VALUE such as Role=worker"),
        (["quiet", "--tag", "=worker"], "'=worker' must be a tag KEY=VALUE"),
        (["quiet", "backups", "-p", "shop"], "Two applications are named: 'backups' and 'shop'."),
        (["quiet", "backups", "workers"], "Got unexpected extra argument"),
        (["quiet", "back\x1b[31mups"], "'back\\x1b[31mups' must be a text of 1 to 256 characters"),
        (["quiet", "-p", " "], "' ' must be a text of 1 to 256 characters"),
        (["quiet", "-p", "backups", "--forever"], "No such option '--forever'"),
        (["quiet", "-p", "backups", "-r", "mars"], "'mars' must be an AWS region such as us-east-1"),
        (["quiet", "-p", "backups", "--timeout", "59"], "'59' must be 60 seconds to 2 days"),
        (["quiet", "-p", "backups", "--timeout", "49h"], "'49h' must be 60 seconds to 2 days"),
        (["quiet", "-p", "backups", "--timeout", "soon"], "'soon' must be 60 seconds to 2 days"),
        (["quiet", "-p", "backups", "--slack-user", "ann"], "'ann' must be a Slack member id"),
        (
            ["quiet", "-p", "backups", "--profile", "nobody"],
            "The config profile (nobody) could not be found.",
        ),
        (["quiet", "-p", "backups", "--state-machine-arn", "x"], "'x' is not the ARN of a state machine"),
        (["runs", "-n", "0"], "0 is not in the range"),
    ],
)
def test_wrong_usage_ends_with_exit_code_2_and_a_message(arguments: list[str], message: str) -> None:
    result = snow_white(*arguments)
    assert result.returncode == 2
    assert message in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_an_arn_and_a_home_region_that_contradict_each_other_are_wrong_usage() -> None:
    arn = "arn:aws:states:eu-west-1:111122223333:stateMachine:SnowWhite"
    result = snow_white("runs", "--home-region", "us-east-1", SNOW_WHITE_STATE_MACHINE_ARN=arn)
    assert result.returncode == 2
    assert "The state machine is in eu-west-1, not in us-east-1." in result.stderr


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "The AWS credentials do not work: Unable to locate credentials."),
        ({**KEYS, "AWS_ENDPOINT_URL": NOWHERE}, "AWS cannot be reached: Could not connect"),
    ],
)
def test_without_credentials_or_a_network_it_ends_with_exit_code_1_and_a_message(
    variables: dict[str, str], message: str
) -> None:
    result = snow_white("quiet", "-p", "backups", **variables)
    assert result.returncode == 1
    assert message in result.stderr
    assert "Nothing was started." in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_an_invalid_endpoint_is_wrong_usage() -> None:
    result = snow_white("runs", **KEYS, AWS_ENDPOINT_URL="nowhere")
    assert result.returncode == 2
    assert "Invalid endpoint: nowhere." in result.stderr


def test_the_version_is_that_of_the_project() -> None:
    assert snow_white("--version").stdout == f"snow-white {VERSION}\n"


def test_the_help_needs_neither_boto3_nor_rich_which_take_most_of_the_time_to_start() -> None:
    program = (
        "import sys; from snow_white_cli.commands import snow_white; "
        "snow_white(['quiet', '--help'], standalone_mode=False); "
        "print(sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "scripts", ROOT / "lambdas")))},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(ast.literal_eval(result.stderr))
    assert "--timeout" in result.stdout
    assert loaded >= {"click", "snow_white", "snow_white_cli"}
    assert loaded & {"boto3", "botocore", "rich", "cattrs", "infra", "urllib3"} == set()


def test_a_shell_completes_commands_and_options() -> None:
    def completed(words: str, position: int) -> list[str]:
        result = snow_white(
            _SNOW_WHITE_COMPLETE="bash_complete", COMP_WORDS=f"snow-white {words}", COMP_CWORD=str(position)
        )
        return [line.partition(",")[2] for line in result.stdout.splitlines()]

    assert completed("s", 1) == ["status", "stop"]
    assert completed("quiet backups --no", 3) == [
        "--no-direct-message",
        "--no-wait",
        "--no-wake-if-failed",
    ]


def test_help_lists_the_commands_the_options_and_the_exit_codes() -> None:
    result = snow_white("--help")
    assert result.returncode == 0
    for command in ("quiet", "stop", "wake", "status", "runs", "follow"):
        assert f"\n  {command} " in result.stdout
    of_quiet = snow_white("quiet", "--help").stdout
    for option in (
        "-p, --application",
        "-e, --environment",
        "-r, --region",
        "--timeout",
        "--no-wait",
        "--json",
    ):
        assert f"  {option} " in of_quiet
    for code in ("0  the run has ended", "1  the run failed", "2  wrong usage", "3  unknown"):
        assert f"  {code}" in of_quiet


def test_a_symbolic_link_to_the_script_works(tmp_path: Path) -> None:
    link = tmp_path / "snow-white"
    link.symlink_to(ROOT / "scripts" / "snow-white")
    found = shutil.which("snow-white", path=f"{tmp_path}:{os.environ['PATH']}")
    assert found == str(link)
    assert os.system(f"cd {tmp_path} && ./snow-white --help >help") == 0  # noqa: S605  # a path of ours
    assert "snow-white [OPTIONS] COMMAND" in (tmp_path / "help").read_text()
