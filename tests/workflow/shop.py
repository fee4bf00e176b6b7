"""A customer's application for one test: environments with real worker hosts, a Redis, jobs, and runs of Snow White."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import redis

from local_aws import LocalAws
from local_aws.ledger import Ledger, enqueue
from local_aws.redis_server import RedisServer
from local_aws.running import Credentials
from local_aws.worker_host import WorkerHost

HOME: Final = "us-east-1"
AWAY: Final = "eu-west-1"
# Generous, because everything here waits for a condition: only a hanging run meets it.
PATIENCE_SECONDS: Final = 240.0


def eventually(holds: Callable[[], object], what: str) -> None:
    """Wait until the condition holds; fails with `what` was waited for."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > end:
            raise AssertionError(f"Waited {PATIENCE_SECONDS:.0f} s in vain until {what}.")
        time.sleep(0.2)


@dataclass(frozen=True)
class Ended:
    """An execution at its end. `report` is the output, or, for a failed one, what NotifySlack handed on."""

    status: str
    error: str | None
    cause: str | None
    report: Mapping[str, Any]

    def verdicts(self) -> dict[str, str]:
        """The instances that are not confirmed, with their verdicts."""
        return {one["instance"]: one["verdict"] for one in self.report["problems"]}


@dataclass(frozen=True)
class Execution:
    """A run that was started."""

    client: Any
    arn: str

    def status(self) -> str:
        return str(self.client.describe_execution(executionArn=self.arn)["status"])

    def end(self) -> Ended:
        eventually(lambda: self.status() != "RUNNING", f"{self.arn} ends")
        described = self.client.describe_execution(executionArn=self.arn)
        output = described.get("output")
        report = json.loads(output) if output else self.states_left().get("NotifySlack", {}).get("report", {})
        return Ended(described["status"], described.get("error"), described.get("cause"), report)

    def states_left(self) -> dict[str, Any]:
        """By name of a state that was left, its last output."""
        outputs: dict[str, Any] = {}
        pages = self.client.get_paginator("get_execution_history").paginate(executionArn=self.arn)
        for page in pages:
            for event in page["events"]:
                details = event.get("stateExitedEventDetails")
                if details:
                    outputs[details["name"]] = json.loads(details["output"])
        return outputs

    def has_left(self, state: str) -> bool:
        return state in self.states_left()


@dataclass
class Shop:
    """The application, and Ann, who may start Snow White and has a Slack account."""

    aws: LocalAws
    name: str
    channel: str
    redis_server: RedisServer
    ann: Credentials
    environments: list[tuple[str, str]] = field(default_factory=list)

    @property
    def redis(self) -> redis.Redis:
        return self.redis_server.client()

    def add_environment(
        self,
        name: str = "workers",
        *,
        region: str = HOME,
        instances: int = 1,
        sidekiq: str = "--concurrency 5 --timeout 25",
        **knobs: str,
    ) -> str:
        """An environment `<application>-<name>` with real hosts; returns at once, see `wait_until_up`."""
        beanstalk = self.aws.client("elasticbeanstalk", region)
        if not any(where == region for where, _ in self.environments):
            beanstalk.create_application(ApplicationName=self.name)
            beanstalk.create_application_version(ApplicationName=self.name, VersionLabel="v1")
            beanstalk.create_application_version(ApplicationName=self.name, VersionLabel="v2")
        full_name = f"{self.name}-{name}"
        options = {
            ("aws:autoscaling:asg", "MinSize"): str(instances),
            ("aws:elasticbeanstalk:application:environment", "REDIS_URL"): self.redis_server.url,
            ("aws:elasticbeanstalk:application:environment", "SIDEKIQ_ARGS"): sidekiq,
            ("snow-white:local", "LaunchedMinutesAgo"): "60",
            **{("snow-white:local", key): value for key, value in knobs.items()},
        }
        beanstalk.create_environment(
            ApplicationName=self.name,
            EnvironmentName=full_name,
            VersionLabel="v1",
            OptionSettings=_settings(options),
        )
        self.environments.append((region, full_name))
        return full_name

    def update(self, environment: str, region: str = HOME, **change: Any) -> None:
        self.aws.client("elasticbeanstalk", region).update_environment(EnvironmentName=environment, **change)

    def grow(self, environment: str, instances: int, region: str = HOME) -> None:
        self.update(
            environment,
            region,
            OptionSettings=_settings({("aws:autoscaling:asg", "MinSize"): str(instances)}),
        )

    def wait_until_up(self, workers: int) -> None:
        """Until every environment is ready and so many Sidekiq processes have said that they started."""
        eventually(lambda: all(self._is_ready(*one) for one in self.environments), f"{self.name} is ready")
        eventually(lambda: len(self.ledger().workers) >= workers, f"{workers} workers of {self.name} started")

    def instances(self, environment: str, region: str = HOME) -> list[str]:
        """Ids of the environment's instances that are not terminated."""
        described = self.aws.client("ec2", region).describe_instances(
            Filters=[
                {"Name": "tag:elasticbeanstalk:environment-name", "Values": [environment]},
                {"Name": "instance-state-name", "Values": ["pending", "running"]},
            ]
        )
        return sorted(one["InstanceId"] for each in described["Reservations"] for one in each["Instances"])

    def host(self, instance: str) -> WorkerHost:
        return WorkerHost.attach(self.aws.folder / "hosts" / instance)

    def titles(self, instance: str) -> list[str]:
        """Process titles of the Sidekiq processes on the host."""
        listed = self.host(instance).run(["ps", "-eo", "args="], check=True).stdout
        text = listed if isinstance(listed, str) else listed.decode()
        return [line.strip() for line in text.splitlines() if line.strip().startswith("sidekiq ")]

    def enqueue(self, *seconds: float) -> list[str]:
        return enqueue(self.redis, list(seconds))

    def ledger(self) -> Ledger:
        return Ledger.read(self.redis)

    def run(self, action: str, **request: Any) -> Execution:
        """Start Snow White as Ann, with this test's Slack channel."""
        asked = {"action": action, "application": self.name, "channel": self.channel, **request}
        return self.start({key: value for key, value in asked.items() if value is not None})

    def start(self, asked: object, credentials: Credentials | None = None) -> Execution:
        client = self.aws.client("stepfunctions", HOME, credentials or self.ann)
        started = client.start_execution(
            stateMachineArn=self.aws.outputs["StateMachineArn"], input=json.dumps(asked)
        )
        return Execution(client, started["executionArn"])

    def commands_sent(self) -> int:
        """How many commands have been sent in both regions to instances of this application."""
        mine = {one for region, name in self.environments for one in self.instances(name, region)}
        return sum(
            bool(mine & set(command["InstanceIds"]))
            for region in (HOME, AWAY)
            for page in self.aws.client("ssm", region).get_paginator("list_commands").paginate()
            for command in page["Commands"]
        )

    def told(self) -> list[dict[str, Any]]:
        """What this test's Slack channel shows."""
        return self.aws.slack.messages(self.channel)

    def close(self) -> None:
        for region, name in self.environments:
            self.aws.client("elasticbeanstalk", region).terminate_environment(EnvironmentName=name)

    def _is_ready(self, region: str, name: str) -> bool:
        described = self.aws.client("elasticbeanstalk", region).describe_environments(EnvironmentNames=[name])
        return bool(described["Environments"][0]["Status"] == "Ready")


def _settings(options: Mapping[tuple[str, str], str]) -> list[dict[str, str]]:
    return [
        {"Namespace": namespace, "OptionName": name, "Value": value}
        for (namespace, name), value in options.items()
    ]
