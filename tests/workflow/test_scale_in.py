"""Instances that end, on the deployed stack with real workers: each drains first, and no job is lost."""

from __future__ import annotations

from typing import Final

from demonstration import scale_in
from demonstration.scale_in import ScalingGroup
from local_aws.faults.rules import EventFault
from snow_white_cli.runs import Ended, FollowedRun
from tests import patience
from tests.workflow.shop import AWAY, HOME, Shop, ended, eventually
from tests.workflow.test_groups_and_tags import asleep

# Jobs outlast the hook's timeout, so without heartbeats they would be cut off.
HEARTBEAT_SECONDS: Final = 120
JOB_SECONDS: Final = 150
_JOBS_AT_ONCE: Final = 5  # of a worker
_PATIENCE_SECONDS: Final = 600.0


def drains_of(shop: Shop, *instances: str) -> dict[str, FollowedRun]:
    """The runs for the termination of these instances, by instance, when each has one."""

    def found() -> dict[str, FollowedRun]:
        runs = scale_in.drains_of(shop.aws, instances)
        return runs if len(runs) == len(instances) else {}

    return patience.eventually(found, "each has a run", seconds=_PATIENCE_SECONDS)


def waiting(group: ScalingGroup, instances: int) -> list[str]:
    """Ids of the instances that wait for the hook, when there are so many."""
    return patience.eventually(
        lambda: found if len(found := group.waiting()) == instances else [],
        f"{instances} instances wait",
        seconds=_PATIENCE_SECONDS,
    )


def end_of(run: FollowedRun) -> Ended:
    patience.eventually(run.has_ended, f"{run.name} ends", seconds=_PATIENCE_SECONDS)
    return ended(run)


def test_an_environment_that_is_scaled_in_under_load_loses_no_job(shop: Shop) -> None:
    workers = shop.add_environment("workers", region=AWAY, instances=4)
    shop.wait_until_up(workers=4)
    group = ScalingGroup.of_environment(shop.aws, workers, AWAY)
    group.add_hook("SnowWhite", HEARTBEAT_SECONDS)
    jobs = shop.enqueue(*[JOB_SECONDS] * 12, *[1] * 60)
    eventually(lambda: len(shop.ledger().running) >= 12, "the workers are busy")

    group.scale(1)
    runs = drains_of(shop, *waiting(group, 3))
    later = shop.enqueue(*[1] * 10)
    ends = {instance: end_of(run) for instance, run in runs.items()}

    for instance, end in ends.items():
        assert end.status == "SUCCEEDED", end.cause
        assert end.output["counts"] == {"quiet": 1}
        assert end.output["lifecycle_action"] == {"completed": True, "over": False, "failures": []}
        assert (end.output["instance_ids"], end.output["groups"]) == ([instance], [workers])
    patience.eventually(lambda: len(group.running()) == 1, "the three are gone", seconds=_PATIENCE_SECONDS)
    patience.eventually(
        lambda: shop.ledger().finished == {*jobs, *later}, "every job has finished", seconds=_PATIENCE_SECONDS
    )
    ledger = shop.ledger()
    assert (ledger.killed, ledger.run_twice, ledger.lost) == (frozenset(), frozenset(), frozenset())
    assert shop.told() == [], "nobody has to know"


def test_a_wake_of_the_fleet_leaves_an_instance_asleep_that_drains(shop: Shop) -> None:
    name = shop.add_group("backups", role="worker", instances=2)
    shop.wait_until_up(workers=2)
    group = ScalingGroup(shop.aws, name, HOME)
    group.add_hook("SnowWhite")
    jobs = shop.hold(2 * _JOBS_AT_ONCE)
    eventually(lambda: len(shop.ledger().running) == 2 * _JOBS_AT_ONCE, "both are busy")
    group.scale(1)
    (leaving,) = waiting(group, 1)
    (run,) = drains_of(shop, leaving).values()
    eventually(lambda: asleep(shop, leaving), "it is quieted")

    woken = end_of(shop.start({"action": "wake", "auto_scaling_groups": name, "channel": shop.channel}))
    shop.release()

    assert (woken.status, woken.output["counts"]) == ("SUCCEEDED", {"left_alone": 1, "awake": 1}), woken.cause
    assert woken.output["notes"][0]["instance"] == leaving
    assert end_of(run).output["counts"] == {"quiet": 1}
    patience.eventually(
        lambda: shop.ledger().finished == {*jobs}, "every job has finished", seconds=_PATIENCE_SECONDS
    )
    assert shop.ledger().killed == frozenset()


def test_an_immutable_update_ends_no_job(shop: Shop) -> None:
    workers = shop.add_environment("workers", instances=2)
    shop.wait_until_up(workers=2)
    group = ScalingGroup.of_environment(shop.aws, workers, HOME)
    group.add_hook("SnowWhite", HEARTBEAT_SECONDS)
    jobs = shop.enqueue(*[JOB_SECONDS] * (2 * _JOBS_AT_ONCE))
    eventually(lambda: len(shop.ledger().running) == 2 * _JOBS_AT_ONCE, "both are busy")

    shop.application.deploy("v2", workers, HOME, immutable=True)
    old = waiting(group, 2)
    jobs += shop.enqueue(*[1] * 10)
    ends = [end_of(run) for run in drains_of(shop, *old).values()]

    assert [(end.status, end.output["counts"]) for end in ends] == [("SUCCEEDED", {"quiet": 1})] * 2
    patience.eventually(
        lambda: not {*old} & {*group.running()}, "the old ones are gone", seconds=_PATIENCE_SECONDS
    )
    patience.eventually(
        lambda: shop.ledger().finished == {*jobs}, "every job has finished", seconds=_PATIENCE_SECONDS
    )
    assert shop.ledger().is_exact
    assert {life.version for life in shop.ledger().workers if life.host not in old} == {"v2"}


def test_an_event_that_comes_twice_starts_one_run(shop: Shop) -> None:
    name = shop.add_group("backups", role="worker", region=AWAY)
    shop.wait_until_up(workers=1)
    group = ScalingGroup(shop.aws, name, AWAY)
    group.add_hook("SnowWhite")
    shop.aws.faults.add(EventFault(source="aws.autoscaling", delivery="twice", mentions=name))

    group.scale(0)
    (leaving,) = waiting(group, 1)
    (run,) = drains_of(shop, leaving).values()

    assert end_of(run).status == "SUCCEEDED"
    eventually(lambda: not group.running(), "the instance is gone")
    pages = run.client.get_paginator("list_executions").paginate(
        stateMachineArn=shop.aws.outputs["StateMachineArn"]
    )
    names = [one["name"] for page in pages for one in page["executions"]]
    assert [one for one in names if leaving in one] == [run.name]


def test_a_spot_instance_takes_no_more_jobs_in_its_last_two_minutes(shop: Shop) -> None:
    name = shop.add_group("backups", role="worker", region=AWAY, instances=2)
    shop.wait_until_up(workers=2)
    spot, other = shop.members(name, AWAY)

    # Longer than EC2's two minutes: how fast this machine is says nothing of a worker's.
    shop.aws.faults.spot_interrupted(AWAY, spot, notice_seconds=600)
    (run,) = drains_of(shop, spot).values()
    end = end_of(run)

    assert (end.status, end.output["counts"]) == ("SUCCEEDED", {"quiet": 1}), end.cause
    assert "lifecycle_action" not in end.output
    assert asleep(shop, spot)
    assert not asleep(shop, other)
    jobs = shop.enqueue(*[1] * 10)
    eventually(lambda: shop.ledger().finished == {*jobs}, "the other one runs them")
    assert not shop.ledger().starts_on(spot)
