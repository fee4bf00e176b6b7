"""Workers that sleep with a lease, on the deployed stack: they wake by themselves, if nobody else woke them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from local_aws.faults.rules import CallFault
from snow_white_cli.runs import FollowedRun
from tests import patience
from tests.workflow.shop import Shop, ended, eventually

_LEASE_SECONDS = 60
# The schedule is precise to a minute, and the local scheduler looks for due ones every ten seconds.
_PATIENCE_SECONDS = 240.0


def schedules(shop: Shop) -> list[dict[str, Any]]:
    """The inputs of the scheduled wakes of the shop."""
    client = shop.aws.client("scheduler")
    listed = client.list_schedules(GroupName="SnowWhite", NamePrefix="wake-")["Schedules"]
    names = [one["Name"] for one in listed]
    found = [client.get_schedule(GroupName="SnowWhite", Name=name)["Target"]["Input"] for name in names]
    return [asked for asked in map(json.loads, found) if asked.get("application") == shop.name]


def woken_by_lease(shop: Shop) -> list[FollowedRun]:
    """The runs that a schedule has started for the shop."""
    client, machine = shop.aws.client("stepfunctions"), shop.aws.outputs["StateMachineArn"]
    arns = [one["executionArn"] for one in client.list_executions(stateMachineArn=machine)["executions"]]
    inputs = {arn: json.loads(client.describe_execution(executionArn=arn)["input"]) for arn in arns}
    return [
        FollowedRun(client, arn)
        for arn, asked in inputs.items()
        # The other tests start runs with all kinds of input.
        if isinstance(asked, dict) and asked.get("application") == shop.name and "only_asleep_by" in asked
    ]


def asleep(shop: Shop, environment: str) -> list[bool]:
    return [
        title.endswith("stopping")
        for instance in shop.instances(environment)
        for title in shop.titles(instance)
    ]


def test_workers_wake_by_themselves_when_nobody_has_woken_them(shop: Shop) -> None:
    workers = shop.add_environment("workers", instances=2)
    shop.wait_until_up(workers=2)
    before = datetime.now(UTC)

    quieted = ended(shop.run("quiet", timeout_seconds=60, wake_after_seconds=_LEASE_SECONDS))

    assert quieted.status == "SUCCEEDED"
    wakes_at = datetime.fromisoformat(quieted.output["lease"]["wakes_at"])
    assert wakes_at >= before + timedelta(seconds=_LEASE_SECONDS)
    assert f"<!date^{int(wakes_at.timestamp())}^" in shop.told()[-1]["text"]
    assert all(asleep(shop, workers))

    (wake,) = patience.eventually(
        lambda: woken_by_lease(shop), "the schedule starts it", seconds=_PATIENCE_SECONDS
    )
    woken = ended(wake)

    assert woken.status == "SUCCEEDED"
    assert woken.output["counts"] == {"awake": 2}
    assert datetime.fromisoformat(woken.output["started_at"]) >= wakes_at
    assert not any(asleep(shop, workers))
    assert schedules(shop) == []
    jobs = shop.enqueue(0.1, 0.1)
    eventually(lambda: shop.ledger().finished >= frozenset(jobs), "they take jobs again")


def test_a_later_quiet_replaces_the_lease_and_a_wake_ends_it(shop: Shop) -> None:
    workers = shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    ended(shop.run("quiet", wake_after_seconds="3h"))
    (first,) = schedules(shop)

    ended(shop.run("quiet", wake_after_seconds="2h"))

    (second,) = schedules(shop)
    assert second["only_asleep_by"] != first["only_asleep_by"]

    # What the first schedule would have started leaves them asleep, and the later one's would wake them.
    spared = ended(shop.start(first))
    assert (spared.status, spared.output["counts"]) == ("SUCCEEDED", {"left_alone": 1})
    assert all(asleep(shop, workers))

    assert ended(shop.run("wake")).output["counts"] == {"awake": 1}
    assert schedules(shop) == []
    late = ended(shop.start(second))
    assert (late.status, late.output["counts"]) == ("SUCCEEDED", {"left_alone": 1})


def test_a_later_quiet_without_a_lease_withdraws_it(shop: Shop) -> None:
    shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    ended(shop.run("quiet", wake_after_seconds="3h"))
    assert len(schedules(shop)) == 1
    ended(shop.run("quiet"))
    assert schedules(shop) == []


def test_a_part_that_a_later_quiet_has_put_to_sleep_sleeps_on(shop: Shop) -> None:
    part, rest = shop.add_environment("workers-part"), shop.add_environment("workers-rest")
    shop.wait_until_up(workers=2)
    ended(shop.run("quiet", wake_after_seconds="3h"))
    (lease,) = schedules(shop)
    assert ended(shop.run("quiet", environments="part")).status == "SUCCEEDED"
    assert schedules(shop) == [lease], "it is another fleet"

    woken = ended(shop.start(lease))

    assert (woken.status, woken.output["counts"]) == ("SUCCEEDED", {"left_alone": 1, "awake": 1})
    assert all(asleep(shop, part))
    assert not any(asleep(shop, rest))


def test_a_scheduler_that_fails_is_told_and_the_run_is_confirmed_all_the_same(shop: Shop) -> None:
    shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    shop.aws.faults.add(CallFault(service="scheduler", answer="error", calls=None, mentions=shop.name))

    end = ended(shop.run("quiet", wake_after_seconds="3h"))

    assert (end.status, end.output["counts"]) == ("SUCCEEDED", {"quiet": 1})
    assert end.output["lease"]["wakes_at"] is None
    assert "EventBridge Scheduler did not take the schedule" in end.output["lease"]["failure"]
    message, _ = shop.told()
    assert "*Will NOT be woken*" in str(message["attachments"])
