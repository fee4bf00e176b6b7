"""The scenario of the demo: quiet, deploy and wake workers under load, on the local AWS; then a deploy that fails, and
an environment that is scaled in.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from rich.console import Console

from demonstration.chaos import Chaos
from demonstration.checks import (
    problems_at_the_end,
    problems_of_a_lease,
    problems_of_a_scale_in,
    problems_when_quiet,
)
from demonstration.customer import VERSIONS, Application
from demonstration.ledger import Ledger, WorkerHistory, enqueue
from demonstration.report import print_report
from demonstration.scale_in import NotScaledIn, ScalingGroup, drains_of, scale_in_under_load
from local_aws import Credentials, LocalAws
from local_aws.hosts.redis_server import RedisServer
from local_aws.processes.waiting import wait_for
from local_aws.slack.server import TOKEN
from snow_white.model.action import Action
from snow_white.model.progress import Progress
from snow_white_cli.runs import Ended, FollowedRun

HOME_REGION: Final = "us-east-1"
OTHER_REGION: Final = "eu-west-1"
APPLICATION: Final = "backups"
_SLACK_USER: Final = "U0ANN"
_ROOT: Final = Path(__file__).parents[2]
_DROPPED_VARIABLES: Final = ("AWS_", "SNOW_WHITE_")  # they may name a real account
_TIMEOUT_SECONDS: Final = 280.0
_JOBS: Final = 150
_LONG_JOBS: Final = 6
_JOBS_WHILE_ASLEEP: Final = 10
_LEASE: Final = {"wake_after_seconds": 60, "timeout_seconds": 60}
"""The shortest there is."""
_HOOK: Final = "SnowWhiteDrain"
_ATTEMPTS: Final = 6
_PAUSE_SECONDS: Final = 10.0
_CHAOS_LIMIT_SECONDS: Final = 120


class DemoFailed(Exception):
    """The scenario had to stop; the sentence has the reason."""


@dataclass
class Scenario:
    """One demo on a running local AWS.

    Attributes:
        backups: the customer's application.
        matching: (name, region) of the environments that the requests match; `other` is one that they do not match.
        timings: the seconds of each step, in order.
        problems: a sentence for each promise that was not kept.
        chaos: the faults of each run, or None. With them a run that confirms nothing is started again.
    """

    aws: LocalAws
    redis: RedisServer
    console: Console
    chaos: Chaos | None = None
    backups: Application = field(init=False)
    matching: list[tuple[str, str]] = field(default_factory=list)
    other: str = ""
    timings: dict[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.backups = Application(self.aws, APPLICATION, self.redis.url)

    def run(self) -> tuple[Ledger, Credentials]:
        """Quiet, deploy, wake; quiet again, and a deploy that fails, so that nobody wakes the workers; scale in.

        Returns the ledger at the end, and the keys of the user who started the runs.

        Raises DemoFailed, or EnvironmentFailed when a host does not come up.
        """
        with self._timed("deploying the stack to the local AWS"):
            ann = self._deploy_stack()
        with self._timed("booting six worker hosts with Sidekiq"):
            self._create_environments()
        self._put_under_load()
        with self._timed("quiet"), self._faults_during("quiet"):
            quieted = self._until_confirmed("quiet", lambda: self._start_and_follow("quiet", ann))
        self._report_quiet()
        with self._timed("deploying the application's new version"):
            self._deploy_application()
        with self._timed("wake"), self._faults_during("wake"):
            woken = self._until_confirmed("wake", lambda: self._run_command_line("wake", ann))
        with self._timed("doing the rest of the backlog"):
            self._wait(lambda: not (self._ledger().waiting or self._ledger().running), "the backlog is done")
        with self._timed("a deploy that fails after quiet: the workers wake by themselves"):
            woken_alone = self._let_a_deploy_fail(ann)
        with self._timed("scaling in an environment under load: its instances are drained first"):
            self._scale_in()
        for action, end in (
            ("quiet", quieted),
            ("wake", woken),
            ("the wake that nobody asked for", woken_alone),
        ):
            print_report(self.console, action, end)
        ledger = self._ledger()
        (other_host,) = self.backups.instances(self.other, HOME_REGION)
        ssm = self.aws.client("ssm", HOME_REGION)
        self.problems += problems_at_the_end(ledger, self.other, other_host, ssm)
        return ledger, ann

    def _ledger(self) -> Ledger:
        return Ledger.read(self.redis.client())

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        """Print the name of a step, and record how long it takes."""
        self.console.rule(f"[bold]{what}", align="left")
        start = time.monotonic()
        yield
        self.timings[what] = time.monotonic() - start

    @contextmanager
    def _faults_during(self, act: str) -> Iterator[None]:
        """Turn the act's faults on for the block, if there are any."""
        if self.chaos is None:
            yield
            return
        instances = [
            (region, one) for name, region in self.matching for one in self.backups.instances(name, region)
        ]
        self.chaos.begin(act, instances)
        try:
            yield
        finally:
            self.chaos.end()

    def _until_confirmed(self, action: str, run: Callable[[], Ended]) -> Ended:
        """Run the action; with faults again and again, as an operator would, until it is confirmed."""
        ended = run()
        for _ in range(_ATTEMPTS - 1 if self.chaos else 0):
            if ended.status == "SUCCEEDED":
                break
            self.console.print(
                f"{action} is not confirmed: {ended.error}: {ended.cause}", style="yellow", markup=False
            )
            self.console.print("It is started again after some seconds, as an operator would.")
            time.sleep(_PAUSE_SECONDS)
            ended = run()
        if ended.status != "SUCCEEDED":
            raise DemoFailed(f"{action} ended {ended.status}: {ended.error}: {ended.cause}")
        return ended

    def _deploy_stack(self) -> Credentials:
        outputs = self.aws.deploy(
            regions=[HOME_REGION, OTHER_REGION], drain_on_termination={"environments": ["workers"]}
        )
        secrets = self.aws.client("secretsmanager")
        secrets.put_secret_value(SecretId=outputs["SlackTokenSecretArn"], SecretString=TOKEN)
        self.aws.slack.add_person(_SLACK_USER, "ann@example.com", "ann")
        self.console.print(f"Deployed {outputs['StateMachineArn']}")
        self.console.print(f"Slack, to watch in a browser: {self.aws.slack.page_url}")
        return self.aws.create_user("ann", [outputs["InvokePolicyArn"]], {"slack_userid": _SLACK_USER})

    def _create_environments(self) -> None:
        self.matching = [
            (self.backups.add_environment("workers", HOME_REGION, instances=3), HOME_REGION),
            (self.backups.add_environment("workers-eu", OTHER_REGION, instances=2), OTHER_REGION),
        ]
        self.other = self.backups.add_environment(
            "mailer", HOME_REGION, sidekiq="--concurrency 5 --queue mailer"
        )
        self._wait(self.backups.is_ready, "the environments are ready")
        self._wait(lambda: len(self._ledger().workers) == 6, "six Sidekiq processes have started")
        for name, region in [*self.matching, (self.other, HOME_REGION)]:
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
        self._wait(lambda: len(self._ledger().running) >= 25, "all workers have as many jobs as they take")
        self.console.print(f"Under load: {self._job_counts()}")

    def _let_a_deploy_fail(self, ann: Credentials) -> Ended:
        """Quiet with a lease, let a deploy fail, and wait until the workers do their jobs again, with nobody's help."""
        quieted = self._until_confirmed("quiet", lambda: self._start_and_follow("quiet", ann, **_LEASE))
        wakes_at = datetime.fromisoformat(quieted.output["lease"]["wakes_at"])
        deploy = subprocess.run(["false"], check=False)
        self.console.print(
            f"The deploy ends with exit code {deploy.returncode}, and nobody wakes the workers. "
            f"Snow White will, at {wakes_at:%H:%M} UTC."
        )
        jobs = frozenset(enqueue(self.redis.client(), [1.0] * _JOBS_WHILE_ASLEEP))
        self._wait(self._runs_of_leases, "the wake has started by itself")
        (run,) = self._runs_of_leases()
        self._wait(run.has_ended, "that wake has ended")
        self._wait(lambda: jobs <= self._ledger().finished, "the jobs that came meanwhile are done")
        ended = run.end()
        self.problems += problems_of_a_lease(self._ledger(), jobs, wakes_at, ended.status)
        self.console.print(
            f"The execution {run.name} {ended.status}. {len(jobs)} jobs had waited, and are done."
        )
        return ended

    def _scale_in(self) -> None:
        """Let Auto Scaling end all instances but one of an environment whose workers have jobs, and wait for these."""
        name, region = self.matching[0]
        group = ScalingGroup.of_environment(self.aws, name, region)
        group.add_hook(_HOOK)
        last_line = ""

        def say_how_far() -> None:
            nonlocal last_line
            line = f"{len(group.waiting())} in Terminating:Wait; {self._job_counts()}"
            if line != last_line:
                self.console.print(f"  {line}")
                last_line = line

        self.console.print(
            f"Auto Scaling is told to keep one of the {len(group.running())} instances of {name}."
        )
        try:
            scaled = scale_in_under_load(group, self.redis.client(), meanwhile=say_how_far)
        except NotScaledIn as error:
            raise DemoFailed(str(error)) from error
        runs = drains_of(self.aws, scaled.ended)
        self._wait(
            lambda: all(run.has_ended() for run in runs.values()), "the runs for the instances have ended"
        )
        self._wait(lambda: scaled.jobs <= self._ledger().finished, "the jobs are done")
        statuses = {instance: run.end().status for instance, run in runs.items()}
        self.problems += problems_of_a_scale_in(self._ledger(), scaled, statuses)
        self.console.print(
            f"{len(scaled.ended)} instances are terminated, and the {len(scaled.at_work)} jobs that ran on them "
            f"are done. These runs drained them: {', '.join(run.name for run in runs.values())}"
        )

    def _runs_of_leases(self) -> list[FollowedRun]:
        """The runs that a schedule has started."""
        client, machine = self.aws.client("stepfunctions"), self.aws.outputs["StateMachineArn"]
        arns = [one["executionArn"] for one in client.list_executions(stateMachineArn=machine)["executions"]]
        return [
            FollowedRun(client, arn)
            for arn in arns
            if "only_asleep_by" in json.loads(client.describe_execution(executionArn=arn)["input"])
        ]

    def _start_and_follow(self, action: str, ann: Credentials, **more: object) -> Ended:
        client = self.aws.client("stepfunctions", HOME_REGION, ann)
        request: dict[str, object] = {
            "action": action,
            "application": APPLICATION,
            "requested_by": "ann",
        }
        if self.chaos:
            request["timeout_seconds"] = _CHAOS_LIMIT_SECONDS
        request |= more
        run = FollowedRun.start(client, self.aws.outputs["StateMachineArn"], request)
        self.console.print(f"Started as IAM user ann: {request}")
        start = time.monotonic()
        last_line = ""

        def has_ended() -> bool:
            nonlocal last_line
            if run.has_ended():
                return True
            state, so_far = run.newest_state()
            progress = so_far.progress or Progress()
            confirmed = f"{progress.confirmed} of {progress.instances} hosts confirmed"
            line = f"{state or 'Starting'}: {confirmed}; {self._job_counts()}"
            if line != last_line:
                self.console.print(f"  {time.monotonic() - start:5.1f} s  {line}")
                last_line = line
            return False

        if not wait_for(has_ended, _TIMEOUT_SECONDS, poll_seconds=1):
            raise DemoFailed(_timed_out(f"{action} has ended"))
        ended = run.end()
        self.console.print(f"The execution {ended.status}.")
        return ended

    def _run_command_line(self, action: str, ann: Credentials) -> Ended:
        """Run scripts/snow-white as a person does, with its output on this console."""
        command = ["scripts/snow-white", action, "-p", APPLICATION]
        if self.chaos:
            command += ["--timeout", f"{_CHAOS_LIMIT_SECONDS}s"]
        self.console.print(f"As IAM user ann: {' '.join(command)}")
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(_DROPPED_VARIABLES)
        }
        aws = {
            "AWS_ENDPOINT_URL": self.aws.endpoint,
            "AWS_ACCESS_KEY_ID": ann.access_key_id,
            "AWS_SECRET_ACCESS_KEY": ann.secret_access_key,
        }
        try:
            result = subprocess.run(
                command,
                cwd=_ROOT,
                env={**inherited, **aws},
                stdin=subprocess.DEVNULL,
                timeout=_TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise DemoFailed(_timed_out(f"{action} has ended")) from None
        machine = self.aws.outputs["StateMachineArn"]
        newest = self.aws.client("stepfunctions").list_executions(stateMachineArn=machine, maxResults=1)
        ended = FollowedRun(self.aws.client("stepfunctions"), newest["executions"][0]["executionArn"]).end()
        if (result.returncode == 0) != (ended.status == "SUCCEEDED"):
            raise DemoFailed(
                f"{action} ended {ended.status}, but the command line with exit code {result.returncode}."
            )
        return ended

    def _report_quiet(self) -> None:
        """Check that the workers are as quiet as the run has reported, and print the counts of jobs."""
        ledger = self._ledger()
        confirmed_at = {}
        for history, region in self._matching_workers(ledger):
            try:
                confirmed_at[history.host] = self.backups.confirmed_at(
                    history.host, region, Action.QUIET.document_name
                )
            except ValueError as error:
                self.problems.append(f"{history.host} was reported quiet, but {error}")
        self.problems += problems_when_quiet(ledger, confirmed_at)
        self.console.print(
            f"Of the {len(ledger.started)} jobs that had started, {len(ledger.finished)} have finished by themselves "
            f"and {len(ledger.running)} still run; {len(ledger.waiting)} wait in Redis, and no quiet worker takes one."
        )

    def _deploy_application(self) -> None:
        hosts = {history.host for history, _ in self._matching_workers(self._ledger())}
        for name, region in self.matching:
            self.backups.deploy(VERSIONS[1], name, region)
        self._wait(self.backups.is_ready, "the new version is deployed")

        def all_run_it() -> bool:
            return hosts <= {each.host for each in self._ledger().workers if each.version == VERSIONS[1]}

        self._wait(all_run_it, "the new version's workers have started")
        self.console.print(f"{VERSIONS[1]} runs on {len(hosts)} hosts.")

    def _matching_workers(self, ledger: Ledger) -> list[tuple[WorkerHistory, str]]:
        """The Sidekiq processes on the matching environments' hosts, with their regions."""
        regions = {
            instance: region
            for name, region in self.matching
            for instance in self.backups.instances(name, region)
        }
        return [(each, regions[each.host]) for each in ledger.workers if each.host in regions]

    def _job_counts(self) -> str:
        summary = self._ledger().summary()
        return (
            f"{summary['running']} jobs running, {summary['waiting']} waiting, {summary['finished']} finished"
        )

    def _wait(self, condition: Callable[[], object], what: str) -> None:
        if not wait_for(condition, _TIMEOUT_SECONDS, poll_seconds=0.2):
            raise DemoFailed(_timed_out(what))


def _timed_out(what: str) -> str:
    return f"Timeout: waited {_TIMEOUT_SECONDS:.0f} s until {what}."
