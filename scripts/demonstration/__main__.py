"""The demo: quiet, deploy, wake under load, on the local AWS, and the accounts of every job afterwards."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console

from demonstration.customer import VERSIONS, Application, EnvironmentFailed
from demonstration.ledger import Ledger, WorkerLife, enqueue
from demonstration.report import print_ledger, print_report, print_slack, print_timings, print_usage
from infra.command_documents import DOCUMENT_NAMES
from local_aws.client import LocalAws
from local_aws.engine.account import Credentials
from local_aws.hosts.redis_server import RedisServer
from local_aws.slack.server import TOKEN
from snow_white.model.run import Progress
from snow_white_cli.runs import Ended, FollowedRun

HOME: Final = "us-east-1"
AWAY: Final = "eu-west-1"
APPLICATION: Final = "backups"
PERSON: Final = "U0ANN"
_ROOT: Final = Path(__file__).parents[2]
_OTHERS: Final = ("AWS_", "SNOW_WHITE_")  # variables that may lead to somebody's real account
_PATIENCE_SECONDS: Final = 280.0
_JOBS: Final = 150
_LONG_JOBS: Final = 6


class DemoFailed(Exception):
    """Something is not as it must be; the sentence says what."""


@dataclass
class Demonstration:
    """One demo on a running local AWS.

    Attributes:
        backups: the customer's application.
        matching: (name, region) of the environments that the requests match; `other` is one that they do not.
        timings: seconds by what took them, in order.
        wrong: a sentence for each thing that is not as it must be.
    """

    aws: LocalAws
    redis: RedisServer
    console: Console
    backups: Application = field(init=False)
    matching: list[tuple[str, str]] = field(default_factory=list)
    other: str = ""
    timings: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.backups = Application(self.aws, APPLICATION, self.redis.url)

    def play(self) -> tuple[Ledger, Credentials]:
        """Quiet, deploy, wake; returns the ledger at the end and the keys of the user who started the runs."""
        with self.timed("deploying the stack to the local AWS"):
            ann = self._deploy_stack()
        with self.timed("booting six worker hosts with Sidekiq"):
            self._boot()
        self._put_under_load()
        with self.timed("quiet"):
            quieted = self._act("quiet", ann)
        self._check_quiet()
        with self.timed("deploying the application's new version"):
            self._deploy_application()
        with self.timed("wake"):
            woken = self._act_from_the_command_line("wake", ann)
        with self.timed("doing the rest of the backlog"):
            self._wait(lambda: not (self.ledger().waiting or self.ledger().running), "the backlog is done")
        for action, end in (("quiet", quieted), ("wake", woken)):
            print_report(self.console, action, end)
        ledger = self.ledger()
        self._check_end(ledger)
        return ledger, ann

    def ledger(self) -> Ledger:
        return Ledger.read(self.redis.client())

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Say what begins, and keep how long it took."""
        self.console.rule(f"[bold]{what}", align="left")
        start = time.monotonic()
        yield
        self.timings[what] = time.monotonic() - start

    def _deploy_stack(self) -> Credentials:
        outputs = self.aws.deploy(regions=[HOME, AWAY])
        secrets = self.aws.client("secretsmanager")
        secrets.put_secret_value(SecretId=outputs["SlackTokenSecretArn"], SecretString=TOKEN)
        self.aws.slack.add_person(PERSON, "ann@example.com", "ann")
        self.console.print(f"Deployed {outputs['StateMachineArn']}")
        self.console.print(f"Slack, to watch in a browser: {self.aws.slack.page_url}")
        return self.aws.create_user("ann", [outputs["InvokePolicyArn"]], {"slack_userid": PERSON})

    def _boot(self) -> None:
        self.matching = [
            (self.backups.add_environment("workers", HOME, instances=3), HOME),
            (self.backups.add_environment("workers-eu", AWAY, instances=2), AWAY),
        ]
        self.other = self.backups.add_environment("mailer", HOME, sidekiq="--concurrency 5 --queue mailer")
        self._wait(self.backups.is_ready, "the environments are ready")
        self._wait(lambda: len(self.ledger().workers) == 6, "six Sidekiq processes have started")
        for name, region in [*self.matching, (self.other, HOME)]:
            matches = "matches 'workers'" if name != self.other else "does not match"
            self.console.print(
                f"{name} in {region} {matches}: {', '.join(self.backups.instances(name, region))}"
            )

    def _put_under_load(self) -> None:
        lengths = [random.uniform(20, 30) for _ in range(_LONG_JOBS)]  # noqa: S311
        lengths += [random.uniform(1, 6) for _ in range(_JOBS - _LONG_JOBS)]  # noqa: S311
        random.shuffle(lengths)
        lengths.sort(key=lambda length: length < 20)  # the long ones first, so that they are under way
        client = self.redis.client()
        enqueue(client, lengths)
        enqueue(client, [1.0] * 20, queue="mailer")
        self._wait(lambda: len(self.ledger().running) >= 25, "all workers have as many jobs as they take")
        self.console.print(f"Under load: {self._numbers()}")

    def _act(self, action: str, ann: Credentials) -> Ended:
        client = self.aws.client("stepfunctions", HOME, ann)
        request = {"action": action, "application": APPLICATION, "requested_by": "ann"}
        run = FollowedRun.start(client, self.aws.outputs["StateMachineArn"], request)
        self.console.print(f"Started as IAM user ann: {request}")
        shown = ""
        start = time.monotonic()
        while not run.has_ended():
            if time.monotonic() > start + _PATIENCE_SECONDS:
                raise DemoFailed(_out_of_patience(f"{action} to end, while it goes on"))
            state, so_far = run.newest_state()
            progress = so_far.progress or Progress()
            news = f"{state}: {progress.confirmed} of {progress.instances} hosts confirmed; {self._numbers()}"
            if news != shown:
                self.console.print(f"  {time.monotonic() - start:5.1f} s  {news}")
                shown = news
            time.sleep(1)
        ended = run.end()
        self.console.print(f"The execution {ended.status}.")
        if ended.status != "SUCCEEDED":
            raise DemoFailed(f"{action} ended {ended.status}: {ended.cause}")
        return ended

    def _act_from_the_command_line(self, action: str, ann: Credentials) -> Ended:
        """Run scripts/snow-white as a person does, and let it show what it shows."""
        command = ["scripts/snow-white", action, "-p", APPLICATION]
        self.console.print(f"As IAM user ann: {' '.join(command)}")
        try:
            result = subprocess.run(
                command,
                cwd=_ROOT,
                env={
                    **{name: value for name, value in os.environ.items() if not name.startswith(_OTHERS)},
                    "AWS_ENDPOINT_URL": self.aws.endpoint,
                    "AWS_ACCESS_KEY_ID": ann.access_key_id,
                    "AWS_SECRET_ACCESS_KEY": ann.secret_access_key,
                },
                stdin=subprocess.DEVNULL,
                timeout=_PATIENCE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise DemoFailed(_out_of_patience(f"{action} to end, while it goes on")) from None
        machine = self.aws.outputs["StateMachineArn"]
        newest = self.aws.client("stepfunctions").list_executions(stateMachineArn=machine, maxResults=1)
        ended = FollowedRun(self.aws.client("stepfunctions"), newest["executions"][0]["executionArn"]).end()
        if result.returncode or ended.status != "SUCCEEDED":
            raise DemoFailed(
                f"{action} ended {ended.status} with exit code {result.returncode}: {ended.cause}"
            )
        return ended

    def _check_quiet(self) -> None:
        """No worker may have a job at this moment, and none may have begun one after it was confirmed."""
        ledger = self.ledger()
        if ledger.running:
            self.wrong.append(f"{len(ledger.running)} jobs ran when the workers were reported quiet.")
        for life, region in self._matching_lives(ledger):
            host = life.worker.host
            if life.quieted_at is None:
                self.wrong.append(f"{host} was reported quiet, but its worker was never told to be.")
            late = ledger.starts_on(
                host, since=self.backups.confirmed_at(host, region, DOCUMENT_NAMES["quiet"])
            )
            if late:
                self.wrong.append(f"{host} began {len(late)} jobs after it was confirmed quiet.")
        begun = len(ledger.started)
        self.console.print(
            f"Of the {begun} jobs that had begun, {len(ledger.finished)} have ended by themselves and "
            f"{len(ledger.running)} still run; {len(ledger.waiting)} wait in Redis, and no quiet worker takes one."
        )

    def _deploy_application(self) -> None:
        hosts = {life.worker.host for life, _ in self._matching_lives(self.ledger())}
        for name, region in self.matching:
            self.backups.deploy(VERSIONS[1], name, region)
        self._wait(self.backups.is_ready, "the new version is deployed")
        self._wait(
            lambda: (
                hosts <= {life.worker.host for life in self.ledger().workers if life.version == VERSIONS[1]}
            ),
            "the new version's workers have started",
        )
        self.console.print(f"{VERSIONS[1]} runs on {len(hosts)} hosts.")

    def _check_end(self, ledger: Ledger) -> None:
        if not ledger.is_exact:
            self.wrong.append("The ledger is not exact: a job was lost, killed or run twice.")
        (other,) = self.backups.instances(self.other, HOME)
        lives = [life for life in ledger.workers if life.worker.host == other]
        if len(lives) != 1 or lives[0].quieted_at or lives[0].stopping_at:
            self.wrong.append(f"{self.other} does not match, but its worker was touched.")
        if self.aws.client("ssm", HOME).list_commands(InstanceId=other)["Commands"]:
            self.wrong.append(f"{self.other} does not match, but a command was sent to it.")

    def _matching_lives(self, ledger: Ledger) -> list[tuple[WorkerLife, str]]:
        """The Sidekiq processes on the matching environments' hosts, with their regions."""
        regions = {
            one: region for name, region in self.matching for one in self.backups.instances(name, region)
        }
        return [(life, regions[life.worker.host]) for life in ledger.workers if life.worker.host in regions]

    def _numbers(self) -> str:
        summary = self.ledger().summary()
        return (
            f"{summary['running']} jobs running, {summary['waiting']} waiting, {summary['finished']} finished"
        )

    def _wait(self, holds: Callable[[], object], what: str) -> None:
        end = time.monotonic() + _PATIENCE_SECONDS
        while not holds():
            if time.monotonic() > end:
                raise DemoFailed(_out_of_patience(f"this: {what}"))
            time.sleep(0.2)


def _out_of_patience(what: str) -> str:
    return f"Patience ran out: waited {_PATIENCE_SECONDS:.0f} s in vain for {what}."


def main(keep: bool) -> int:
    """Play the demo; returns the exit code: 0 only if everything was as it must be."""
    console = Console(highlight=False, soft_wrap=True)
    with tempfile.TemporaryDirectory(prefix="snow-white-demo-") as folder:
        start = time.monotonic()
        with RedisServer.start(Path(folder)) as redis, LocalAws.start(Path(folder) / "aws") as aws:
            demo = Demonstration(aws, redis, console)
            try:
                ledger, ann = demo.play()
            except (DemoFailed, EnvironmentFailed) as failed:
                console.print(f"FAILED: {failed}", style="bold red", markup=False)
                return 1
            print_slack(console, aws.slack)
            print_timings(console, demo.timings, time.monotonic() - start)
            print_ledger(console, ledger)
            for sentence in demo.wrong:
                console.print(f"[bold red]WRONG: {sentence}")
            if not demo.wrong:
                console.print(
                    "[bold green]Every job ran exactly once; the other environment was never touched."
                )
            if keep:
                print_usage(console, aws, ann)
                signal.pause()
    return 1 if demo.wrong else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # A shell starts what it puts into the background with this signal ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        sys.exit(main(keep="--keep" in sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
