"""The way of the Fargate version: one ListCommandInvocations for each instance every 10 seconds, for 50 at most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import boto3

from tests.benchmarks.fleet.cloud import FleetCloud
from tests.benchmarks.fleet.edge import simulated
from tests.benchmarks.fleet.fleet import Fleet
from tests.benchmarks.fleet.schedule import Schedule
from tests.soak.scenarios import world

EVERY_SECONDS: Final = 10
MOST_INSTANCES: Final = 50
_VCPU: Final = 0.25  # of the smallest task


@dataclass(frozen=True)
class Round:
    """One look at all instances: calls, seconds of CPU, and seconds until the last answer is there."""

    calls: int
    cpu: float
    seconds: float


def look(fleet: Fleet) -> Round:
    """Send one command to the fleet's instances, which are in one region, and look once at each of them."""
    clock = Schedule()
    built = world.build(fleet.scenario(), clock, fleet.names)
    cloud = FleetCloud(built, clock)
    session = boto3.Session(aws_access_key_id="simulated", aws_secret_access_key="simulated")
    ids = list(built.regions[fleet.names[0]].instances)
    with simulated(clock, cloud, short_way=False):
        client = session.client("ssm", region_name=fleet.names[0])
        sent = client.send_command(
            DocumentName="SnowWhite-QuietSidekiqWorkers",
            InstanceIds=ids,
            Parameters={"executionTimeout": ["7200"]},
            TimeoutSeconds=120,
        )
        clock.sleep(EVERY_SECONDS)
        calls, cpu, began = cloud.calls.total(), clock.cpu_seconds, clock.now
        clock.share = _VCPU
        for one in ids:
            client.list_command_invocations(
                CommandId=sent["Command"]["CommandId"], InstanceId=one, Details=True
            )
        clock.finish_work()
    return Round(cloud.calls.total() - calls, clock.cpu_seconds - cpu, clock.now - began)
