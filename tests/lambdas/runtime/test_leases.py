"""The wake that a quiet or a stop arranges with EventBridge Scheduler, on a fake of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from botocore.exceptions import EndpointConnectionError

from runtime.leases import Leases
from runtime.settings import Settings
from snow_white.aws.run_command import run_parameter
from snow_white.model.action import Action
from snow_white.model.ended_run import EndedRun
from snow_white.model.fleet import Group, RegionPlan
from snow_white.model.lease import Lease, wake_time
from snow_white.model.report import Report, Result
from snow_white.model.request import Defaults, Request
from snow_white.model.run import Execution, Run
from snow_white.model.slack_state import Requester, SlackState
from snow_white.model.stated_request import StatedRequest
from tests.fake_client import FakeClient
from tests.lambdas.fake_cloud import START, client_error
from tests.lambdas.story import request

MACHINE = "arn:aws:states:us-east-1:111122223333:stateMachine:SnowWhite"
ROLE = "arn:aws:iam::111122223333:role/Schedules"
SETTINGS = Settings(
    Defaults(("us-east-1",), ("workers",)),
    "", "", "", "", "",
    schedule_group="SnowWhite",
    schedule_role=ROLE,
)  # fmt: skip


@dataclass
class FakeScheduler(FakeClient, services=("scheduler",)):
    """Keeps schedules by name; every call fails with `error`, if there is one."""

    schedules: dict[str, dict[str, Any]] = field(default_factory=dict)
    error: Exception | None = None

    def _call(self, name: str, *, there: bool) -> None:
        if self.error:
            raise self.error
        if (name in self.schedules) is not there:
            raise client_error("ResourceNotFoundException" if there else "ConflictException", "no", 409)

    def create_schedule(self, **given: Any) -> Any:
        self._call(given["Name"], there=False)
        self.schedules[given["Name"]] = given
        return {"ScheduleArn": "arn"}

    def update_schedule(self, **given: Any) -> Any:
        self._call(given["Name"], there=True)
        self.schedules[given["Name"]] = given
        return {"ScheduleArn": "arn"}

    def get_schedule(self, *, Name: str, GroupName: str) -> Any:
        assert GroupName == "SnowWhite"
        self._call(Name, there=True)
        return {"Name": Name, "Target": self.schedules[Name]["Target"]}

    def delete_schedule(self, *, Name: str, GroupName: str) -> Any:
        assert GroupName == "SnowWhite"
        self._call(Name, there=True)
        del self.schedules[Name]
        return {}

    @property
    def only(self) -> dict[str, Any]:
        (schedule,) = self.schedules.values()
        return schedule

    @property
    def wake(self) -> dict[str, Any]:
        """What the only schedule will start."""
        started: dict[str, Any] = json.loads(self.only["Target"]["Input"])
        return started


@pytest.fixture
def scheduler() -> FakeScheduler:
    return FakeScheduler()


@pytest.fixture
def leases(scheduler: FakeScheduler) -> Leases:
    return Leases(SETTINGS, scheduler, Logger(service="test"))


def run(name: str = "quiet-ann", started_at: datetime = START, **asked: Any) -> Run:
    """A run with a lease of an hour and a half that has its plan."""
    execution = Execution(f"{MACHINE.replace(':stateMachine:', ':execution:')}:{name}", name, started_at)
    plan = (RegionPlan("us-east-1", (Group("shop-workers", "e-1"),), 3),)
    return Run.planned(execution, request(**{"wake_after_seconds": 5_400, **asked}), plan)


def woken(ended: Run, result: Result = Result.CONFIRMED) -> tuple[EndedRun, Report]:
    report = Report(result=result, action="wake", application="shop")
    return EndedRun(ended.execution, StatedRequest.of(ended.request)), report


def test_the_wake_is_scheduled_for_the_workers_that_the_run_puts_to_sleep(
    leases: Leases, scheduler: FakeScheduler
) -> None:
    asked = run(channel="C0LOCAL", environments_named=True, environments=("shop-*",))
    asked = replace(asked, slack=SlackState(requester=Requester("ann", "U0ANN")))
    after = leases.arrange(asked, START)

    at = START + timedelta(minutes=90)
    assert after.lease == Lease(wake_time(START, 5_400))
    assert scheduler.only["ScheduleExpression"] == f"at({wake_time(START, 5_400):%Y-%m-%dT%H:%M:%S})"
    assert at <= wake_time(START, 5_400) < at + timedelta(minutes=1)
    assert scheduler.only["ActionAfterCompletion"] == "DELETE"
    assert scheduler.only["GroupName"] == "SnowWhite"
    assert (scheduler.only["Target"]["Arn"], scheduler.only["Target"]["RoleArn"]) == (MACHINE, ROLE)
    assert scheduler.wake == {
        "action": "wake",
        "application": "shop",
        "environments": ["shop-*"],
        "channel": "C0LOCAL",
        "slack_user": "U0ANN",
        "direct_message": False,
        "requested_by": "run quiet-ann (wake_after_seconds, asked for by ann)",
        "only_asleep_by": run_parameter(asked.execution),
    }
    parsed = Request.parse(scheduler.wake, Defaults(("us-east-1",), ("workers",)))
    assert parsed.action is Action.WAKE


@pytest.mark.parametrize(
    ("asked", "directly"),
    [({"slack_user": "U0ANN"}, None), ({"direct_message": True}, True), ({"direct_message": False}, False)],
)
def test_who_gets_a_direct_message_of_the_quiet_gets_one_of_the_wake(
    leases: Leases, scheduler: FakeScheduler, asked: dict[str, Any], directly: bool | None
) -> None:
    leases.arrange(run(**asked), START)
    assert scheduler.wake.get("direct_message") is directly


def test_a_run_without_a_lease_schedules_nothing(leases: Leases, scheduler: FakeScheduler) -> None:
    assert leases.arrange(run(wake_after_seconds=None), START).lease is None
    assert scheduler.schedules == {}


@pytest.mark.parametrize("seconds", [0, 1, 59])
def test_a_wake_is_never_earlier_than_asked_and_at_a_whole_minute(seconds: int) -> None:
    now = datetime(2026, 3, 1, 12, 0, seconds, tzinfo=UTC)
    at = wake_time(now, 5_400)
    assert at.second == 0
    assert timedelta(0) <= at - (now + timedelta(seconds=5_400)) < timedelta(minutes=1)


def test_a_sending_that_was_interrupted_keeps_the_one_schedule(
    leases: Leases, scheduler: FakeScheduler
) -> None:
    leases.arrange(run(), START)
    later = leases.arrange(run(), START + timedelta(minutes=3))
    assert later.lease == Lease(wake_time(START + timedelta(minutes=3), 5_400))
    assert len(scheduler.schedules) == 1


@pytest.mark.parametrize(
    ("later", "wake"),
    [(timedelta(minutes=20), timedelta(minutes=90)), (timedelta(minutes=90), timedelta(minutes=91))],
)
def test_a_lease_that_failed_is_tried_again_and_counts_from_the_first_command(
    leases: Leases, scheduler: FakeScheduler, later: timedelta, wake: timedelta
) -> None:
    scheduler.error = client_error("ThrottlingException", "Rate exceeded", 429)
    began = replace(leases.arrange(run(), START), dispatched_at=START)
    assert began.lease is not None
    assert "Rate exceeded" in began.lease.failure
    scheduler.error = None
    after = leases.arrange(began, START + later)
    assert after.lease == Lease(START + wake), "a schedule in the past is none"
    assert len(scheduler.schedules) == 1


def test_a_later_run_of_the_same_fleet_replaces_it(leases: Leases, scheduler: FakeScheduler) -> None:
    leases.arrange(run(environments=("b", "a"), environments_named=True), START)
    newer = run("quiet-ben", START + timedelta(minutes=5), environments=("a", "b"), environments_named=True)
    leases.arrange(newer, START)
    assert scheduler.wake["only_asleep_by"] == run_parameter(newer.execution)


def test_a_retry_of_an_older_run_does_not_replace_that_of_a_newer_one(
    leases: Leases, scheduler: FakeScheduler
) -> None:
    newer = run("quiet-ben", START + timedelta(minutes=5))
    leases.arrange(newer, START)
    leases.arrange(run(), START)
    assert scheduler.wake["only_asleep_by"] == run_parameter(newer.execution)


@pytest.mark.parametrize(
    ("fleet", "named"),
    [
        ({"auto_scaling_groups": ("backups-*",)}, {"auto_scaling_groups": ["backups-*"]}),
        ({"tags": {"Role": ("worker", "mail")}}, {"tags": {"Role": ["worker", "mail"]}}),
    ],
)
def test_the_wake_is_for_the_same_fleet_of_whatever_kind(
    leases: Leases, scheduler: FakeScheduler, fleet: dict[str, Any], named: dict[str, Any]
) -> None:
    leases.arrange(run(application="", environments=(), **fleet), START)
    assert named.items() <= scheduler.wake.items()
    assert not {"application", "environments"} & scheduler.wake.keys()


def test_other_fleets_keep_theirs(leases: Leases, scheduler: FakeScheduler) -> None:
    leases.arrange(run(), START)
    leases.arrange(run(application="backups"), START)
    leases.arrange(run(environments=("web",), environments_named=True), START)
    assert len(scheduler.schedules) == 3


def test_a_later_run_without_a_lease_withdraws_it(leases: Leases, scheduler: FakeScheduler) -> None:
    leases.arrange(run(), START)
    newer = run("quiet-ben", START + timedelta(minutes=5), wake_after_seconds=None)
    leases.withdraw_earlier(StatedRequest.of(newer.request), newer.execution)
    assert scheduler.schedules == {}
    leases.withdraw_earlier(StatedRequest.of(newer.request), newer.execution)  # nothing is there any more


def test_a_confirmed_wake_withdraws_it(leases: Leases, scheduler: FakeScheduler) -> None:
    leases.arrange(run(), START)
    leases.after_end(*woken(run("wake", START + timedelta(hours=1), action=Action.WAKE)))
    assert scheduler.schedules == {}


@pytest.mark.parametrize(
    ("started", "result"),
    [
        pytest.param(1, Result.NOT_CONFIRMED, id="not confirmed"),
        pytest.param(-1, Result.CONFIRMED, id="begun before the quiet"),
    ],
)
def test_another_wake_leaves_it(
    leases: Leases, scheduler: FakeScheduler, started: int, result: Result
) -> None:
    leases.arrange(run(), START)
    wake = run("wake", START + timedelta(hours=started), action=Action.WAKE)
    leases.after_end(*woken(wake, result))
    assert len(scheduler.schedules) == 1


@pytest.mark.parametrize(
    "error",
    [
        client_error("AccessDeniedException", "not authorized", 403),
        client_error("ServiceUnavailable", "try later", 503),
        EndpointConnectionError(endpoint_url="https://scheduler"),
    ],
)
def test_a_scheduler_that_fails_is_told_and_fails_no_run(
    leases: Leases, scheduler: FakeScheduler, error: Exception
) -> None:
    scheduler.error = error
    after = leases.arrange(run(), START)
    assert after.lease is not None
    assert after.lease.wakes_at is None
    assert "EventBridge Scheduler did not take the schedule" in after.lease.failure
    leases.withdraw_earlier(StatedRequest.of(run().request), run().execution)
    leases.after_end(*woken(run(action=Action.WAKE)))


@pytest.mark.parametrize("call", ["create_schedule", "update_schedule"])
def test_a_page_of_html_in_place_of_an_answer_is_no_lease(
    leases: Leases, scheduler: FakeScheduler, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    if call == "update_schedule":
        leases.arrange(run(), START)
    monkeypatch.setattr(scheduler, call, lambda **_: {"ResponseMetadata": {"HTTPStatusCode": 200}})
    after = leases.arrange(run(), START)
    assert after.lease is not None
    assert after.lease.wakes_at is None
    assert "EventBridge Scheduler did not take the schedule" in after.lease.failure


def test_a_mistake_of_our_own_is_not_taken_for_the_scheduler_s(
    leases: Leases, scheduler: FakeScheduler
) -> None:
    scheduler.error = LookupError("ours")
    with pytest.raises(LookupError):
        leases.arrange(run(), START)
