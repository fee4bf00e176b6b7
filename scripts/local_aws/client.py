"""Starting a local AWS, or using one that runs, from tests and from the demo."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config

from local_aws.deploy import deploy, synthesize
from local_aws.engine.account import HOME_REGION, Credentials
from local_aws.engine.connection import KEEP_RUNNING, Connection
from local_aws.engine.json_request import json_request
from local_aws.faults.client import FaultSwitches
from local_aws.processes.child_process import ChildProcess, Stoppable
from local_aws.processes.waiting import wait_for
from local_aws.slack.client import LocalSlack

_START_SECONDS = 300.0
_STOP_SECONDS = 30.0
_LOG = "local_aws.log"
_CLIENT_CONFIG = Config(retries={"mode": "standard", "max_attempts": 2}, s3={"addressing_style": "path"})
_SCRIPTS = Path(__file__).resolve().parent.parent


class LocalAwsError(Exception):
    """The local AWS could not be started, reached or deployed to; the text has the reason."""


class LocalAws(Stoppable):
    """A running local AWS: its endpoint, clients, users, deployments, faults and Slack.

    `start` runs a process of its own that ends with `stop`, with the `with` block, or with this process;
    `attach` uses the one of a folder, and leaves it running.
    """

    def __init__(self, folder: Path, connection: Connection, server: ChildProcess | None) -> None:
        self.folder = folder
        self.connection = connection
        self._server = server
        self._session = boto3.Session()
        self._clients: dict[tuple[str, str, Credentials], Any] = {}
        self._lock = threading.Lock()
        self.slack = LocalSlack(connection.slack_url)
        self.faults = FaultSwitches(connection.endpoint)

    @classmethod
    def start(cls, folder: Path | None = None, *, wait_scale: float = 1.0) -> Self:
        """Run a local AWS in `folder` (created if missing, removed at the end) and wait until it answers.

        `wait_scale` multiplies the seconds of Wait states and retries. Raises LocalAwsError with the end of
        the log if it does not come up.
        """
        if folder is None:
            folder = Path(tempfile.mkdtemp(prefix="snow-white-"))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = folder.resolve()
        with (folder / _LOG).open("ab") as log:
            server = ChildProcess(
                [sys.executable, "-m", "local_aws", str(folder), "--wait-scale", str(wait_scale)],
                env={**os.environ, "PYTHONPATH": str(_SCRIPTS)},
                output=log,
            )
        wait_for(lambda: Connection.read(folder) or server.has_ended, _START_SECONDS)
        connection = Connection.read(folder)
        if connection is None:
            server.kill()
            log_file = folder / _LOG  # the server removes the folder when it cleans up
            last_lines = log_file.read_text(errors="replace")[-4000:] if log_file.exists() else ""
            shutil.rmtree(folder, ignore_errors=True)
            raise LocalAwsError(f"the local AWS did not start in {folder}:\n{last_lines}")
        return cls(folder, connection, server)

    @classmethod
    def attach(cls, folder: Path) -> Self:
        """Use the local AWS that runs in `folder`; raises LocalAwsError if there is none."""
        connection = Connection.read(folder)
        if connection is None:
            raise LocalAwsError(f"no local AWS runs in {folder}")
        return cls(folder.resolve(), connection, None)

    def stop(self) -> None:
        """End the process that `start` began, with its functions and hosts; harmless when it has ended."""
        server, self._server = self._server, None
        if server is None:
            return
        try:
            server.end(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise LocalAwsError(f"the local AWS (pid {server.pid}) had to be killed") from None
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def keep_running(self) -> None:
        """Let it outlive this process; from then on a signal to `connection.pid` ends it and cleans up."""
        server, self._server = self._server, None
        if server is not None:
            server.detach(KEEP_RUNNING)

    @property
    def log(self) -> str:
        """Its log so far, for looking into failures."""
        return (self.folder / _LOG).read_text(errors="replace")

    @property
    def endpoint(self) -> str:
        """The URL all AWS services answer on."""
        return self.connection.endpoint

    @property
    def account(self) -> str:
        """The number of its one account."""
        return self.connection.account

    @property
    def root(self) -> Credentials:
        """The root user's keys, which may do everything."""
        return self.connection.root

    def client(self, service: str, region: str = HOME_REGION, credentials: Credentials | None = None) -> Any:
        """The boto3 client of `service` in `region`; with root's credentials if none are given."""
        keys = credentials or self.root
        with self._lock:  # making clients of one session is not safe from several threads at once
            if (service, region, keys) not in self._clients:
                self._clients[service, region, keys] = self._session.client(
                    service,  # type: ignore[call-overload]  # the name is not known until run time
                    region_name=region,
                    endpoint_url=self.endpoint,
                    aws_access_key_id=keys.access_key_id,
                    aws_secret_access_key=keys.secret_access_key,
                    aws_session_token=keys.session_token,
                    config=_CLIENT_CONFIG,
                )
            return self._clients[service, region, keys]

    def create_user(
        self, name: str, policy_arns: Iterable[str] = (), tags: Mapping[str, str] | None = None
    ) -> Credentials:
        """An IAM user with these managed policies and tags; returns keys of theirs."""
        iam = self.client("iam")
        iam.create_user(
            UserName=name, Tags=[{"Key": key, "Value": text} for key, text in (tags or {}).items()]
        )
        for arn in policy_arns:
            iam.attach_user_policy(UserName=name, PolicyArn=arn)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    def set_wait_scale(self, factor: float) -> None:
        """Multiply AWS's own waiting times by `factor` from now on.

        They are Wait states, retries, a machine's time limit, and how long Run Command tries to deliver.
        """
        json_request("POST", f"{self.endpoint}/_ministack/config", {"stepfunctions._SFN_WAIT_SCALE": factor})

    def deploy(self, **settings: Any) -> dict[str, str]:
        """Synthesize the application for this local AWS and deploy it; returns the outputs of all stacks.

        `settings` are those of infra/settings.py, for example `regions=["us-east-1", "eu-west-1"]`; Slack is the
        local one unless they say otherwise. Deploying again updates the stacks. Raises DeploymentError.
        """
        defaults = {"slack_api_url": self.slack.api_url, "slack_channel": "C0LOCAL", "account": self.account}
        assembly = synthesize(self.folder / "cdk.out", {**defaults, **settings}, self.account)
        outputs = deploy(assembly, self.client)
        merged = {key: text for of_stack in outputs.values() for key, text in of_stack.items()}
        unfinished = self.folder / "outputs.json.part"
        unfinished.write_text(json.dumps(merged))
        unfinished.replace(self.folder / "outputs.json")
        return merged

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs of all stacks at the last `deploy`, also one of another process."""
        file = self.folder / "outputs.json"
        outputs: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
        return outputs
