"""One local AWS with the deployed stack for all test processes; for each test an application of its own."""

from __future__ import annotations

import fcntl
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws import LocalAws
from local_aws.engine.account import Credentials
from local_aws.engine.connection import Connection
from local_aws.hosts.redis_server import RedisServer
from local_aws.slack.commands import SIGNING_SECRET
from local_aws.slack.server import TOKEN
from tests.workflow.shop import AWAY, HOME, Shop


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[LocalAws]:
    """The local AWS with the synthesized template deployed, IAM enforcement on.

    The first test process starts it, and ends it when no other uses it any more: each holds a shared lock on the
    file of users, which the kernel takes away from one that dies.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if hasattr(request.config, "workerinput") else base
    folder = shared / "aws"
    with (shared / "aws.users").open("w") as users, (shared / "aws.start").open("w") as start:
        fcntl.flock(start, fcntl.LOCK_EX)
        started = None
        try:
            if Connection.read(folder) is None:
                started = _start(folder)
            fcntl.flock(users, fcntl.LOCK_SH)
        finally:
            fcntl.flock(start, fcntl.LOCK_UN)
        try:
            yield LocalAws.attach(folder)
        finally:
            fcntl.flock(users, fcntl.LOCK_UN)
            if started:
                fcntl.flock(start, fcntl.LOCK_EX)
                fcntl.flock(users, fcntl.LOCK_EX)
                started.stop()


def _start(folder: Path) -> LocalAws:
    aws = LocalAws.start(folder)
    try:
        outputs = aws.deploy(
            regions=[HOME, AWAY],
            worker_groups=["shop????????-*"],
            worker_tags={"Role": ["shop????????-worker"]},
            # Nothing waits for an instance whose group has no lifecycle hook.
            drain_on_termination={"environments": ["shop"], "auto_scaling_groups": ["shop????????-*"]},
            slash_command=True,
            slash_command_users=["U0ANN"],
            slash_command_channels=["C0COMMANDS"],
        )
        secrets_manager = aws.client("secretsmanager")
        for secret, value in (("SlackTokenSecretArn", TOKEN), ("SlackSigningSecretArn", SIGNING_SECRET)):
            secrets_manager.put_secret_value(SecretId=outputs[secret], SecretString=value)
    except BaseException:
        aws.stop()
        raise
    return aws


@pytest.fixture(scope="session")
def ann(aws: LocalAws) -> Credentials:
    """An IAM user who has the stack's invoke policy, and a tag that says who she is in Slack."""
    name = f"ann-{secrets.token_hex(4)}"
    return aws.create_user(name, [aws.outputs["InvokePolicyArn"]], {"slack_userid": "U0ANN"})


@pytest.fixture
def shop(aws: LocalAws, ann: Credentials, tmp_path: Path) -> Iterator[Shop]:
    """An application without environments yet, a Redis for its jobs and a Slack channel for its runs."""
    name = f"shop{secrets.token_hex(4)}"
    channel = f"C{name.upper()}"
    aws.slack.add_channel(channel, name)
    with RedisServer.start(tmp_path) as server:
        shop = Shop(aws, name, channel, server, ann)
        try:
            yield shop
        finally:
            shop.terminate()
