"""What a person can do with a demo that keeps running."""

from __future__ import annotations

import os
import re
import secrets
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from demonstration.additions import FOLDER_VARIABLE, REDIS_VARIABLE, NotAdded, add, main, parser
from demonstration.customer import Application
from demonstration.ledger import Ledger
from demonstration.read_access import let_read
from demonstration.usage import Usage
from infra.settings import own_settings
from local_aws import Credentials, LocalAws
from local_aws.hosts.redis_server import RedisServer
from tests.infra.commands import commands_of, wrong_usage
from tests.patience import eventually

ROOT = Path(__file__).parents[2]
MACHINE = "arn:aws:states:us-east-1:111122223333:stateMachine:SnowWhite"
USAGE = Usage(
    "http://127.0.0.1:1",
    "/run/demo",
    "redis://127.0.0.1:2/0",
    MACHINE,
    "http://127.0.0.1:3/",
    Credentials("A", "s"),
)
TEXT = str(USAGE)


def setting_up() -> str:
    """The lines that set the other terminal up, as they are copied."""
    return "\n".join(line for line in TEXT.splitlines() if re.match(r" +(unset|export) ", line))


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer.start(tmp_path) as server:
        yield server


def test_nothing_of_the_person_s_own_aws_and_settings_leaks_in(tmp_path: Path) -> None:
    own = {
        "AWS_PROFILE": "production",
        "AWS_SESSION_TOKEN": "t",
        "AWS_REGION": "eu-central-1",
        "SNOW_WHITE_STATE_MACHINE_ARN": "arn:real",
        "SNOW_WHITE_HOME_REGION": "eu-central-1",
        "SNOW_WHITE_SETTINGS_FILE": "/home/ann/settings.json",
    }
    result = subprocess.run(
        ["bash", "-euc", f"{setting_up()}\nenv -0"],
        env={"PATH": os.environ["PATH"], **own},
        capture_output=True,
        text=True,
        check=True,
    )
    environ = dict(line.partition("=")[::2] for line in result.stdout.split("\0") if line)
    seen = {name: text for name, text in environ.items() if name.startswith(("AWS_", "SNOW_WHITE_"))}
    assert seen == {
        "AWS_ENDPOINT_URL": USAGE.endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "A",
        "AWS_SECRET_ACCESS_KEY": "s",
        "SNOW_WHITE_SETTINGS_FILE": "",
        FOLDER_VARIABLE: USAGE.folder,
        REDIS_VARIABLE: USAGE.redis_url,
    }
    (tmp_path / "settings.json").write_text('{"home_region": "eu-central-1", "regions": ["eu-central-1"]}')
    (tmp_path / "cdk.json").write_text((ROOT / "cdk.json").read_text())
    assert own_settings(environ=environ, root=tmp_path).home_region == "us-east-1"


def test_every_command_that_is_printed_is_taken() -> None:
    shown = [words for line in TEXT.splitlines() for words in commands_of(line)]
    runs = [words[1:] for words in shown if words[0].endswith("snow-white")]
    assert {words[0] for words in runs} == {"status", "quiet", "wake", "runs"}
    assert [wrong for words in runs if (wrong := wrong_usage(words))] == []
    additions = [words[2:] for words in shown if words[0].endswith("demo")]
    assert {parser().parse_args(words).kind for words in additions} == {"jobs", "hosts", "environment"}


@pytest.mark.parametrize(
    "arguments", [[], ["jobs"], ["jobs", "0"], ["hosts", "many"], ["environment"], ["lambdas", "3"]]
)
def test_wrong_additions_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(arguments)
    assert ended.value.code == 2
    assert "usage: demo add" in capsys.readouterr().err


def test_without_a_demo_it_says_what_to_do_first(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["jobs", "1"], {}) == 2
    assert "./scripts/demo --keep" in capsys.readouterr().err
    ended = {FOLDER_VARIABLE: str(tmp_path), REDIS_VARIABLE: "redis://127.0.0.1:1/0"}
    assert main(["jobs", "1"], ended) == 1
    assert "no local AWS runs" in capsys.readouterr().err


def test_the_script_passes_additions_on() -> None:
    result = subprocess.run(
        ["scripts/demo", "add", "--help"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert "{jobs,hosts,environment}" in result.stdout


def test_environments_hosts_and_jobs_can_be_added(aws: LocalAws, redis: RedisServer) -> None:
    name = f"shop{secrets.token_hex(4)}"

    def do(line: str) -> str:
        return add(parser().parse_args(shlex.split(line)), aws, redis.url, application=name)

    try:
        assert do("environment workers").startswith(f"{name}-workers in us-east-1 has these hosts now: i-")
        with pytest.raises(NotAdded, match=rf"There are: {name}-workers \(us-east-1\)\.$"):
            do("hosts 1 --environment workers")
        assert do(f"hosts 1 --environment {name}-workers").count("i-") == 2
        assert do("jobs 3 --seconds 0.1") == "Enqueued 3 jobs of 0.1 s."
        eventually(lambda: len(Ledger.read(redis.client()).finishes) == 3, "the jobs are done")
        eventually(lambda: len(Ledger.read(redis.client()).workers) == 2, "both hosts' workers have started")
    finally:
        Application.running(aws, name, redis.url, ["us-east-1"]).terminate()


def test_ann_may_read_the_account_and_change_nothing(aws: LocalAws) -> None:
    name = f"reader{secrets.token_hex(4)}"
    keys = aws.create_user(name)
    with pytest.raises(ClientError, match="AccessDenied"):
        aws.client("elasticbeanstalk", credentials=keys).describe_environments()
    let_read(aws, name)
    aws.client("elasticbeanstalk", credentials=keys).describe_environments()
    aws.client("ssm", credentials=keys).list_command_invocations(Details=True)
    aws.client("ssm", credentials=keys).describe_instance_information()
    aws.client("ec2", credentials=keys).describe_instances()
    aws.client("logs", credentials=keys).describe_log_groups()
    aws.client("cloudformation", credentials=keys).describe_stacks()
    for service, operation, arguments in (
        ("elasticbeanstalk", "terminate_environment", {"EnvironmentName": "none"}),
        (
            "ssm",
            "send_command",
            {"DocumentName": "AWS-RunShellScript", "InstanceIds": ["i-0123456789abcdef0"]},
        ),
        ("secretsmanager", "list_secrets", {}),
        ("iam", "list_users", {}),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            getattr(aws.client(service, credentials=keys), operation)(**arguments)
