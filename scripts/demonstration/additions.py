"""`./scripts/demo add`: more jobs, hosts and environments, while the demo keeps running."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import redis

from demonstration.customer import Application, EnvironmentFailed
from demonstration.ledger import enqueue
from demonstration.scenario import APPLICATION, HOME_REGION, OTHER_REGION
from local_aws import LocalAws
from local_aws.client import LocalAwsError
from local_aws.processes.waiting import wait_for

FOLDER_VARIABLE: Final = "SNOW_WHITE_DEMO_FOLDER"
REDIS_VARIABLE: Final = "SNOW_WHITE_DEMO_REDIS"
_TIMEOUT_SECONDS: Final = 300.0


class NotAdded(Exception):
    """Nothing was added; the sentence has the reason."""


def parser() -> argparse.ArgumentParser:
    """The arguments after `./scripts/demo add`."""
    parser = argparse.ArgumentParser(prog="demo add", description="Add to a demo that keeps running.")
    kinds = parser.add_subparsers(dest="kind", required=True)

    jobs = kinds.add_parser("jobs", help="enqueue jobs")
    jobs.add_argument("count", type=_positive)
    jobs.add_argument("--seconds", type=float, default=10.0, help="how long each takes (default: 10)")
    jobs.add_argument("--queue", default="default", help="`mailer` is the other environment's")

    hosts = kinds.add_parser("hosts", help="launch hosts in an environment")
    hosts.add_argument("count", type=_positive)
    hosts.add_argument("--environment", default=f"{APPLICATION}-workers")
    hosts.add_argument("--region", default=HOME_REGION)

    environment = kinds.add_parser("environment", help="create an environment")
    environment.add_argument("name", help=f"without {APPLICATION}-, which is put before it")
    environment.add_argument("--region", default=HOME_REGION)
    environment.add_argument("--hosts", type=_positive, default=1)
    return parser


def add(arguments: argparse.Namespace, aws: LocalAws, redis_url: str, application: str = APPLICATION) -> str:
    """Add it and wait until it is there; returns a sentence that says what was added.

    Raises NotAdded, or EnvironmentFailed when a host does not come up.
    """
    if arguments.kind == "jobs":
        client = redis.Redis.from_url(redis_url, decode_responses=True)
        enqueue(client, [arguments.seconds] * arguments.count, queue=arguments.queue)
        return f"Enqueued {arguments.count} jobs of {arguments.seconds:g} s."
    customer = Application.running(aws, application, redis_url, (HOME_REGION, OTHER_REGION))
    if arguments.kind == "hosts":
        if (arguments.region, arguments.environment) not in customer.environments:
            there_are = ", ".join(f"{name} ({region})" for region, name in customer.environments)
            raise NotAdded(
                f"There is no environment {arguments.environment} in {arguments.region}. There are: {there_are}."
            )
        now = len(customer.instances(arguments.environment, arguments.region))
        customer.resize(now + arguments.count, arguments.environment, arguments.region)
        name = arguments.environment
    else:
        name = customer.add_environment(arguments.name, arguments.region, instances=arguments.hosts)
    if not wait_for(customer.is_ready, _TIMEOUT_SECONDS, poll_seconds=0.5):
        raise NotAdded(f"{name} is not ready after {_TIMEOUT_SECONDS:.0f} s.")
    hosts = customer.instances(name, arguments.region)
    return f"{name} in {arguments.region} has these hosts now: {', '.join(hosts)}."


def main(given: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """The exit code: 0 only if it was added."""
    arguments = parser().parse_args(given)
    folder, redis_url = environ.get(FOLDER_VARIABLE), environ.get(REDIS_VARIABLE)
    if not folder or not redis_url:
        print("demo: run ./scripts/demo --keep, and the exports that it prints, first.", file=sys.stderr)
        return 2
    try:
        print(add(arguments, LocalAws.attach(Path(folder)), redis_url))
    except (NotAdded, EnvironmentFailed, LocalAwsError, redis.ConnectionError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


def _positive(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 1000:
        raise argparse.ArgumentTypeError("must be 1 to 1000")
    return number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
