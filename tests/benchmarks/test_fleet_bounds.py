"""What a run may cost, so that no later change makes it dearer unseen: calls, bytes, events, and AWS's list prices.

Each bound is what is reached today and a tenth more. ./scripts/bench measures the rest: seconds, CPU and memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from types import ModuleType

import pytest

from snow_white.aws.instances import INSTANCES_A_PAGE
from snow_white.aws.run_command import INSTANCES_A_COMMAND
from snow_white.model.durations import MAX_TIMEOUT_SECONDS
from snow_white.model.run import Outcome
from tests.benchmarks.fleet.cloud import CALL_SECONDS
from tests.benchmarks.fleet.deployed import deployed
from tests.benchmarks.fleet.ends import calls_for_a_dead_instance, told_after
from tests.benchmarks.fleet.fleet import Fleet
from tests.benchmarks.fleet.functions import load_handlers
from tests.benchmarks.fleet.prices import TRANSITION, invocation_price, logs_price, smallest_fargate_task
from tests.benchmarks.fleet.run import Bench
from tests.lambdas.fake_cloud import START, FakeCloud
from tests.lambdas.fake_hosts import quieted
from tests.lambdas.story import Story, request
from tests.soak.cloud.shared_clients import shared_clients

HOUR = 3600


@pytest.fixture(scope="module")
def handlers() -> Iterator[Mapping[str, ModuleType]]:
    with shared_clients():
        yield load_handlers()


@cache  # two tests look at different things of the same drain of six hours
def drained(timeout: int, *, new_every: int = 0) -> tuple[Story, FakeCloud]:
    """Ten hosts whose jobs end one after the other until shortly before the time limit."""
    cloud = FakeCloud()
    added = 0
    for number, one in enumerate(cloud["us-east-1"].add_environment("shop", "shop-workers", instances=10)):
        one.answers = [quieted(max(5, (timeout - 120) * (number + 1) / 10)), quieted(20)]

    def meanwhile(_turn: int) -> None:
        nonlocal added
        while new_every and cloud.clock.now - START >= timedelta(seconds=(added + 1) * new_every):
            cloud["us-east-1"].add_instance("shop-workers", launched_at=cloud.clock.now)
            added += 1

    story = Story(cloud, request(timeout_seconds=timeout), meanwhile)
    story.end()
    return story, cloud


def price(story: Story, cloud: FakeCloud) -> float:
    """Dollars, without the functions' own CPU time: as if they only waited for answers, one after the other."""
    turns, sent = story.turns, story.outcomes.count(Outcome.SEND) + 1
    shown = story.outcomes.count(Outcome.PROGRESS)
    transitions = 7 + 3 * turns + sent + shown  # 7: before the first turn and after the last
    invocations = 4 + turns + sent + shown
    calls = sum(len(region.calls) for region in cloud.regions.values())
    setup = deployed()
    seconds = (calls * CALL_SECONDS + story.paused) / invocations
    waiting = invocation_price(setup, "poll_command", seconds) * invocations
    logged = setup.log_bytes(story.events, 2 * story.events * story.largest_state) + 900 * invocations
    return transitions * TRANSITION + waiting + logs_price(logged)


@pytest.mark.parametrize(
    ("timeout", "new_every", "most"),
    [
        (60, 0, 0.00032),
        (600, 0, 0.0052),
        (2 * HOUR, 0, 0.0187),
        (2 * HOUR, 300, 0.0200),
        (6 * HOUR, 300, 0.0294),
        (12 * HOUR, 0, 0.0370),
        (MAX_TIMEOUT_SECONDS, 0, 0.102),
    ],
)
def test_a_drain_costs_a_few_cents_however_long_it_is(timeout: int, new_every: int, most: float) -> None:
    story, cloud = drained(timeout, new_every=new_every)
    assert price(story, cloud) < most
    if timeout >= 6 * HOUR:
        assert price(story, cloud) < smallest_fargate_task(timeout)


def test_instances_that_come_all_the_time_leave_room_in_the_history() -> None:
    hours = 6
    story, _ = drained(hours * HOUR, new_every=300)
    assert story.events / story.turns < 12.6
    assert story.largest_state < 8_700


@pytest.mark.parametrize("drain", [20, 300, 600, 1_800, 7_200])
def test_the_end_of_the_last_job_is_told_after_one_proof_and_two_percent_of_the_drain(
    handlers: Mapping[str, ModuleType], drain: int
) -> None:
    a_proof, calls, share = 15, 5, 0.02
    pause = max(2.0, drain * share)
    for part in (0.1, 0.6):
        fleet = Fleet(20, 2, first_end=5, last_end=drain + pause * part, timeout_seconds=max(600, drain * 2))
        assert told_after(Bench.counting(handlers).run(fleet)) <= (a_proof + calls + drain * share) * 1.1


@pytest.mark.parametrize(
    ("instances", "regions", "most"), [(10, 1, 4), (100, 5, 22), (500, 5, 33), (340, 17, 74)]
)
def test_a_poll_that_waits_makes_few_calls(
    handlers: Mapping[str, ModuleType], instances: int, regions: int, most: int
) -> None:
    run = Bench.counting(handlers, long_polls=False).run(
        Fleet(instances, regions), lambda functions: len(functions.of("PollCommand")) > 5
    )
    polls = run.functions.of("PollCommand")
    assert max(one.call_count for one in polls) <= most


@pytest.mark.parametrize(("instances", "regions", "most"), [(500, 5, 52), (3_000, 5, 196)])
def test_while_a_dead_instance_is_waited_for_each_ended_command_is_read_once_by_each_function(
    handlers: Mapping[str, ModuleType], instances: int, regions: int, most: int
) -> None:
    calls, _ = calls_for_a_dead_instance(handlers, instances, regions)
    assert calls["ListCommandInvocations"] <= most


@pytest.mark.parametrize(("instances", "regions"), [(10, 1), (500, 5), (1_020, 17)])
def test_the_start_of_a_run_reads_each_page_once_in_each_of_its_two_steps(
    handlers: Mapping[str, ModuleType], instances: int, regions: int
) -> None:
    run = Bench.counting(handlers, long_polls=False).run(
        Fleet(instances, regions), lambda functions: bool(functions.of("DispatchCommand"))
    )
    in_a_region = instances // regions
    described = regions * math.ceil(in_a_region / INSTANCES_A_PAGE)
    nodes = regions * math.ceil(in_a_region / 50)
    (discovered,) = run.functions.of("DiscoverInstances")
    assert discovered.calls == {
        "DescribeEnvironments": regions,
        "DescribeDocument": regions,
        "DescribeInstances": described,
        "DescribeInstanceInformation": nodes,
        "ListExecutions": 1,
    }
    (dispatched,) = run.functions.of("DispatchCommand")
    sent = {name: count for name, count in dispatched.calls.items() if "Schedule" not in name}
    assert sent == {
        "DescribeInstances": described,
        "DescribeInstanceInformation": nodes,
        "ListCommands": regions,
        "SendCommand": regions * math.ceil(in_a_region / INSTANCES_A_COMMAND),
    }
