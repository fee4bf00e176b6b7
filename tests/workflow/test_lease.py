"""Workers that sleep with a lease, on the deployed stack: they wake by themselves, if nobody else woke them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from local_aws.faults.rules import CallFault
from snow_white_cli.runs import FollowedRun
from tests import patience
from tests.workflow.shop import Shop, ended, eventually, schedules

_LEASE_SECONDS = 120
# The schedule is precise to a minute, and the local scheduler looks for due ones every ten seconds.
_PATIENCE_SECONDS = 360.0


def wakes(shop: Shop) -> list[dict[str, Any]]:
    """The inputs of the scheduled wakes of the shop."""
    return [asked for _, asked in schedules(shop, "wake-")]


@dataclass
class WokenByLease:
    """Looks for the runs that a schedule has started for the shop since then."""

    shop: Shop
    since: datetime
    _looked_at: set[str] = field(default_factory=set)
    _found: list[FollowedRun] = field(default_factory=list)

    def __call__(self) -> list[FollowedRun]:
        client, machine = self.shop.aws.client("stepfunctions"), self.shop.aws.outputs["StateMachineArn"]
        for listed in client.list_executions(stateMachineArn=machine)["executions"]:
            if listed["startDate"] < self.since or listed["executionArn"] in self._looked_at:
                continue
            self._looked_at.add(listed["executionArn"])
            run = FollowedRun(client, listed["executionArn"])
            asked = json.loads(run.describe()["input"])
            # The other tests start runs with all kinds of input.
            if (
                isinstance(asked, dict)
                and asked.get("application") == self.shop.name
                and "only_asleep_by" in asked
            ):
                self._found.append(run)
        return self._found


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

    quieted = ended(shop.run("quiet", timeout_seconds=_LEASE_SECONDS, wake_after_seconds=_LEASE_SECONDS))

    assert quieted.status == "SUCCEEDED"
    wakes_at = datetime.fromisoformat(quieted.output["lease"]["wakes_at"])
    assert wakes_at >= before + timedelta(seconds=_LEASE_SECONDS)
    assert f"<!date^{int(wakes_at.timestamp())}^" in shop.told()[-1]["text"]
    assert all(asleep(shop, workers))

    (wake,) = patience.eventually(
        WokenByLease(shop, since=before), "the schedule starts it", seconds=_PATIENCE_SECONDS
    )
    woken = ended(wake)

    assert woken.status == "SUCCEEDED"
    assert woken.output["counts"] == {"awake": 2}
    assert datetime.fromisoformat(woken.output["started_at"]) >= wakes_at
    assert not any(asleep(shop, workers))
    assert wakes(shop) == []
    jobs = shop.enqueue(0.1, 0.1)
    eventually(lambda: shop.ledger().finished >= frozenset(jobs), "they take jobs again")


def test_a_later_quiet_replaces_the_lease_and_a_wake_ends_it(shop: Shop) -> None:
    workers = shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    ended(shop.run("quiet", wake_after_seconds="3h"))
    (first,) = wakes(shop)

    ended(shop.run("quiet", wake_after_seconds="2h"))

    (second,) = wakes(shop)
    assert second["only_asleep_by"] != first["only_asleep_by"]

    # What the first schedule would have started leaves them asleep, and the later one's would wake them.
    spared = ended(shop.start(first))
    assert (spared.status, spared.output["counts"]) == ("SUCCEEDED", {"left_alone": 1})
    assert all(asleep(shop, workers))

    assert ended(shop.run("wake")).output["counts"] == {"awake": 1}
    assert wakes(shop) == []
    late = ended(shop.start(second))
    assert (late.status, late.output["counts"]) == ("SUCCEEDED", {"left_alone": 1})


def test_a_later_quiet_without_a_lease_withdraws_it(shop: Shop) -> None:
    shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    ended(shop.run("quiet", wake_after_seconds="3h"))
    assert len(wakes(shop)) == 1
    ended(shop.run("quiet"))
    assert wakes(shop) == []


def test_a_part_that_a_later_quiet_has_put_to_sleep_sleeps_on(shop: Shop) -> None:
    part, rest = shop.add_environment("workers-part"), shop.add_environment("workers-rest")
    shop.wait_until_up(workers=2)
    ended(shop.run("quiet", wake_after_seconds="3h"))
    (lease,) = wakes(shop)
    assert ended(shop.run("quiet", environments="part")).status == "SUCCEEDED"
    assert wakes(shop) == [lease], "it is another fleet"

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
