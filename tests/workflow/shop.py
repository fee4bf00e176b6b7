"""A customer's application for one test: environments with real worker hosts, a Redis, jobs, and runs of Snow White."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import redis

from demonstration.customer import Application
from demonstration.ledger import Ledger, enqueue
from local_aws import LocalAws
from local_aws.engine.account import Credentials
from local_aws.hosts.choice import attach_host
from local_aws.hosts.redis_server import RedisServer
from snow_white_cli.runs import Ended, FollowedRun
from tests import patience

HOME: Final = "us-east-1"
AWAY: Final = "eu-west-1"
# Generous, because everything here waits for a condition: only a hanging run meets it.
PATIENCE_SECONDS: Final = 240.0


def eventually(holds: Callable[[], object], what: str) -> None:
    """Wait until the condition holds, as long as a run on hosts may take; fails with `what` was waited for."""
    patience.eventually(holds, what, seconds=PATIENCE_SECONDS)


def ended(run: FollowedRun) -> Ended:
    """The run at its end. What failed in its steps is printed, for a test that fails afterwards."""
    eventually(run.has_ended, f"{run.name} ends")
    pages = run.client.get_paginator("get_execution_history").paginate(executionArn=run.arn)
    for event in (event for page in pages for event in page["events"]):
        if event["type"].endswith(("Failed", "TimedOut", "Aborted")):
            print(event["timestamp"], [value for key, value in event.items() if key.endswith("Details")])
    return run.end()


def verdicts(end: Ended) -> dict[str, str]:
    """The instances that are not confirmed, with their verdicts."""
    return {one["instance"]: one["verdict"] for one in end.output["problems"]}


@dataclass
class Shop:
    """The application, and Ann, who may start Snow White and has a Slack account."""

    aws: LocalAws
    name: str
    channel: str
    redis_server: RedisServer
    ann: Credentials
    application: Application = field(init=False)

    def __post_init__(self) -> None:
        self.application = Application(self.aws, self.name, self.redis_server.url)

    @property
    def redis(self) -> redis.Redis:
        return self.redis_server.client()

    def add_environment(
        self, name: str = "workers", *, region: str = HOME, instances: int = 1, **host_options: str
    ) -> str:
        """An environment `<application>-<name>` with real hosts; returns at once, see `wait_until_up`."""
        return self.application.add_environment(name, region, instances=instances, **host_options)

    def wait_until_up(self, workers: int) -> None:
        """Until every environment is ready and so many Sidekiq processes have said that they started."""
        eventually(self.application.is_ready, f"{self.name} is ready")
        eventually(lambda: len(self.ledger().workers) >= workers, f"{workers} workers of {self.name} started")

    def instances(self, environment: str, region: str = HOME) -> list[str]:
        return self.application.instances(environment, region)

    def titles(self, instance: str) -> list[str]:
        """Process titles of the Sidekiq processes on the host."""
        host = attach_host(self.aws.folder / "hosts" / instance)
        listed = host.run(["ps", "-eo", "args="], check=True).stdout
        return [line.strip() for line in listed.splitlines() if line.strip().startswith("sidekiq ")]

    def enqueue(self, *seconds: float) -> list[str]:
        return enqueue(self.redis, list(seconds))

    def ledger(self) -> Ledger:
        return Ledger.read(self.redis)

    def run(self, action: str, **request: Any) -> FollowedRun:
        """Start Snow White as Ann, with this test's Slack channel."""
        return self.start({"action": action, "application": self.name, "channel": self.channel, **request})

    def start(self, asked: object, credentials: Credentials | None = None) -> FollowedRun:
        client = self.aws.client("stepfunctions", HOME, credentials or self.ann)
        return FollowedRun.start(client, self.aws.outputs["StateMachineArn"], asked)

    def told(self) -> list[dict[str, Any]]:
        """What this test's Slack channel shows."""
        return self.aws.slack.messages(self.channel)
