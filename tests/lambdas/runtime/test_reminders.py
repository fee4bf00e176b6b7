"""Looks at a fleet that was put to sleep: when they are, whom they tell, and when they end."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from runtime.reminders import Reminders
from snow_white.aws.run_command import run_parameter
from snow_white.model.ended_run import EndedRun
from snow_white.model.lease import Lease
from snow_white.model.reminder import MOST_LOOKS, Reminder
from snow_white.model.report import Report
from snow_white.model.request import Defaults, InvalidRequest, Request
from snow_white.model.run import Execution
from snow_white.model.serialisation import from_json
from snow_white.model.slack_state import Post, Requester, SlackState
from snow_white.model.stated_request import StatedRequest
from snow_white.model.termination import Notice, Termination
from snow_white.slack.reminder_reply import reminder_reply
from tests.lambdas.fake_cloud import START, client_error, network_error
from tests.lambdas.runtime.test_leases import MACHINE, SETTINGS, FakeScheduler
from tests.lambdas.story import request

DEFAULTS = Defaults(("us-east-1", "eu-west-1"), ("workers",))
ENDED_AT = START + timedelta(minutes=10)
EXECUTION = Execution(f"{MACHINE.replace(':stateMachine:', ':execution:')}:quiet-ann", "quiet-ann", START)
POST = Post("C0LOCAL", "C0LOCAL", "1764000000.000100")
QUIET = EndedRun(
    EXECUTION,
    StatedRequest.of(request(environments=("shop-*",), environments_named=True)),
    dispatched_at=START,
    slack=SlackState((POST,), Requester("ann", "U0ANN")),
)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "snow-white")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "SnowWhite")


def reminders(scheduler: FakeScheduler, after_seconds: int = 3_600) -> Reminders:
    return Reminders(replace(SETTINGS, remind_after_seconds=after_seconds), scheduler, Logger(service="test"))


def report(action: str = "quiet", **changes: Any) -> Report:
    return from_json(
        {"action": action, "application": "shop", "ended_at": ENDED_AT.isoformat(), **changes}, Report
    )


def host(instance: str, asleep_by: str, *states: str, since: datetime = START) -> dict[str, Any]:
    processes = [{"pid": 7, "state": state, "since": since.isoformat()} for state in states]
    return {"instance": instance, "verdict": "reported", "asleep_by": asleep_by, "processes": processes}


def found(*hosts: dict[str, Any], silent: int = 0, more_hosts: int = 0) -> Report:
    """What a look has found."""
    counts = {"reported": len(hosts), **({"unreachable": silent} if silent else {})}
    processes = Counter(process["state"] for one in hosts for process in one["processes"])
    return report(
        "status", hosts=list(hosts), counts=counts, more_hosts=more_hosts, processes=dict(processes)
    )


def look(number: int = 1) -> EndedRun:
    """The run that is the look of that number."""
    reminder = Reminder(run_parameter(EXECUTION), ENDED_AT, number, 3_600, (POST,), "U0ANN")
    stated = StatedRequest.of(
        replace(request(environments=("shop-*",), environments_named=True), reminder=reminder)
    )
    return EndedRun(replace(EXECUTION, name=f"look-{number}"), stated)


def times(scheduler: FakeScheduler) -> list[str]:
    return [one["ScheduleExpression"] for one in scheduler.schedules.values()]


def test_an_instance_that_was_about_to_end_is_not_looked_at() -> None:
    scheduler = FakeScheduler()
    leaving = replace(QUIET.request, termination=Termination(Notice.SPOT_INTERRUPTION))
    reminders(scheduler).first(replace(QUIET, request=leaving), report())
    assert scheduler.schedules == {}


@pytest.mark.parametrize("result", ["confirmed", "not_confirmed"])
@pytest.mark.parametrize("action", ["quiet", "stop"])
def test_the_fleet_is_looked_at_an_hour_after_the_end(action: str, result: str) -> None:
    scheduler = FakeScheduler()
    reminders(scheduler).first(QUIET, report(action, result=result))
    at = ENDED_AT + timedelta(hours=1)
    at += timedelta(seconds=-at.second % 60)
    assert times(scheduler) == [f"at({at:%Y-%m-%dT%H:%M:%S})"]
    asked = Request.parse(scheduler.wake, DEFAULTS)
    assert (asked.action.value, asked.environments) == ("status", ("shop-*",))
    assert asked.reminder == Reminder(run_parameter(EXECUTION), ENDED_AT, 1, 3_600, (POST,), "U0ANN")
    assert asked.channel is None, "only the thread is told"


@pytest.mark.parametrize(
    ("ended", "said", "after_seconds"),
    [
        pytest.param(QUIET, report("quiet"), 0, id="reminders are off"),
        pytest.param(QUIET, report("wake"), 3_600, id="a wake"),
        pytest.param(QUIET, report("status"), 3_600, id="a status"),
        pytest.param(replace(QUIET, dispatched_at=None), report(), 3_600, id="nothing was sent"),
        pytest.param(replace(QUIET, lease=Lease(START)), report(), 3_600, id="a lease wakes them"),
    ],
)
def test_no_look_is_scheduled(ended: EndedRun, said: Report, after_seconds: int) -> None:
    scheduler = FakeScheduler()
    reminders(scheduler, after_seconds).first(ended, said)
    assert scheduler.schedules == {}


def test_a_run_whose_lease_could_not_be_arranged_is_looked_at() -> None:
    scheduler = FakeScheduler()
    reminders(scheduler).first(replace(QUIET, lease=Lease(failure="no")), report())
    assert len(scheduler.schedules) == 1


def test_looks_come_at_growing_distances_while_somebody_sleeps_and_end() -> None:
    scheduler = FakeScheduler()
    asleep = found(host("i-1", "quiet-ann", "quiet"))
    for number in range(1, MOST_LOOKS + 1):
        reminders(scheduler).next(look(number), asleep)
    numbers = [json.loads(one["Target"]["Input"])["reminder"]["look"] for one in scheduler.schedules.values()]
    assert numbers == list(range(2, MOST_LOOKS + 1))
    hours = [Reminder("1 a", ENDED_AT, number, 3_600).at - ENDED_AT for number in range(1, MOST_LOOKS + 1)]
    assert hours == [timedelta(hours=2**power) for power in range(MOST_LOOKS)]


@pytest.mark.parametrize(
    "nobody",
    [
        pytest.param(found(host("i-1", "", "awake")), id="all are awake"),
        pytest.param(found(host("i-1", "quiet-ben", "quiet")), id="a newer run has put them to sleep"),
        pytest.param(found(host("i-1", "quiet-ann", "awake")), id="somebody has restarted them"),
        pytest.param(found(), id="nobody is there any more"),
        pytest.param(found(host("i-1", "", "awake"), more_hosts=900), id="a large fleet is awake"),
    ],
)
def test_nobody_asleep_is_silence_and_no_more_looks(
    nobody: Report, capsys: pytest.CaptureFixture[str]
) -> None:
    scheduler = FakeScheduler()
    ended = look()
    reminders(scheduler).next(ended, nobody)
    assert scheduler.schedules == {}
    assert ended.request.reminder
    assert reminder_reply(nobody, ended.request, ended.request.reminder, slash_command=False) == ""
    assert [one["Sleeping"] for one in written(capsys)] == [[0.0], [0.0]]


def test_while_somebody_does_not_answer_the_looks_go_on_in_silence() -> None:
    scheduler = FakeScheduler()
    silent = found(host("i-1", "", "awake"), silent=2)
    ended = look()
    reminders(scheduler).next(ended, silent)
    assert len(scheduler.schedules) == 1
    assert ended.request.reminder
    assert reminder_reply(silent, ended.request, ended.request.reminder, slash_command=False) == ""


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines() if "Sleeping" in line]


def test_the_metric_counts_the_processes_by_application_and_in_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asleep = found(
        host("i-1", "quiet-ann", "quiet", "quieting"), host("i-2", "quiet-ann", "stopped", "awake")
    )
    reminders(FakeScheduler()).next(look(), asleep)
    metrics = written(capsys)
    assert [one["Sleeping"] for one in metrics] == [[3.0], [3.0]]
    dimensions = [sorted(one["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0]) for one in metrics]
    assert dimensions == [["application", "service"], ["service"]]


def test_the_reply_says_who_sleeps_since_when_and_how_to_wake_them() -> None:
    asleep = found(
        host("i-1", "quiet-ann", "quiet", "stopped"),
        host("i-2", "quiet-ann", "quiet", since=START - timedelta(minutes=5)),
        host("i-3", "quiet-ben", "quiet"),
        silent=1,
    )
    ended = look()
    assert ended.request.reminder
    text = reminder_reply(asleep, ended.request, ended.request.reminder, slash_command=False)
    first, silent, *rest = text.splitlines()
    assert first.startswith("<@U0ANN> 💤 3 workers on 2 instances of shop still sleep, since <!date^")
    assert f"^{int((START - timedelta(minutes=5)).timestamp())}^" in first
    assert silent == "1 instance did not answer."
    assert rest == ["To wake them:", "```snow-white wake shop -e 'shop-*'```"]
    slash = reminder_reply(asleep, ended.request, ended.request.reminder, slash_command=True)
    assert "```/snow-white wake shop shop-*```" in slash
    last = look(MOST_LOOKS)
    assert last.request.reminder
    assert "This is the last reminder." in reminder_reply(
        asleep, last.request, last.request.reminder, slash_command=False
    )


def test_a_newer_run_of_the_same_fleet_takes_the_look_over_and_an_older_one_does_not() -> None:
    scheduler = FakeScheduler()
    newer = replace(
        QUIET, execution=replace(EXECUTION, name="quiet-ben", started_at=START + timedelta(minutes=5))
    )
    for ended in (QUIET, newer, QUIET):
        reminders(scheduler).first(ended, report())
    assert scheduler.wake["reminder"]["run"] == run_parameter(newer.execution)


@pytest.mark.parametrize(
    ("result", "only_asleep_by", "left"),
    [("confirmed", False, 0), ("not_confirmed", False, 2), ("confirmed", True, 2)],
)
def test_a_confirmed_wake_of_the_fleet_leaves_nobody_to_look_at(
    result: str, only_asleep_by: bool, left: int
) -> None:
    scheduler = FakeScheduler()
    reminders(scheduler).first(QUIET, report())
    reminders(scheduler).next(look(), found(host("i-1", "quiet-ann", "quiet")))
    execution = replace(EXECUTION, name="wake", started_at=START + timedelta(hours=2))
    wake = EndedRun(execution, replace(QUIET.request, only_asleep_by=only_asleep_by))
    reminders(scheduler).end(wake, report("wake", result=result))
    assert len(scheduler.schedules) == left


class FailsOnce(FakeScheduler):
    """Refuses the first deletion."""

    def delete_schedule(self, *, Name: str, GroupName: str) -> Any:
        error, self.refusal = self.refusal, None
        if error:
            raise error
        return super().delete_schedule(Name=Name, GroupName=GroupName)

    refusal: Exception | None = client_error("ThrottlingException", "Rate exceeded", 429)


def test_one_look_that_cannot_be_withdrawn_keeps_no_other(caplog: pytest.LogCaptureFixture) -> None:
    scheduler = FailsOnce()
    reminders(scheduler).first(QUIET, report())
    for number in range(1, MOST_LOOKS):
        reminders(scheduler).next(look(number), found(host("i-1", "quiet-ann", "quiet")))
    assert len(scheduler.schedules) == MOST_LOOKS
    wake = EndedRun(replace(EXECUTION, started_at=START + timedelta(hours=2)), QUIET.request)
    reminders(scheduler).end(wake, report("wake", result="confirmed"))
    assert [name[:7] for name in scheduler.schedules] == ["look-1-"]
    assert "Rate exceeded" in vars(caplog.records[-1])["failures"][0]


def test_a_scheduler_that_hangs_is_not_waited_for_eight_times(monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler, asked = FakeScheduler(error=network_error()), []
    now = 0.0

    def hang(**given: Any) -> Any:
        nonlocal now
        now += 6.0
        asked.append(given["Name"])
        raise network_error()

    monkeypatch.setattr(scheduler, "get_schedule", hang)
    monkeypatch.setattr("time.monotonic", lambda: now)
    reminders(scheduler).end(EndedRun(EXECUTION, QUIET.request), report("wake", result="confirmed"))
    assert len(asked) == 2


def test_a_scheduler_that_fails_fails_no_run() -> None:
    scheduler = FakeScheduler(error=client_error("AccessDeniedException", "not authorized", 403))
    reminders(scheduler).first(QUIET, report())
    reminders(scheduler).next(look(), found(host("i-1", "quiet-ann", "quiet")))
    reminders(scheduler).end(EndedRun(EXECUTION, QUIET.request), report("wake", result="confirmed"))


@pytest.mark.parametrize(
    "change",
    [
        {"run": "quiet-ann"},
        {"look": 0},
        {"look": MOST_LOOKS + 1},
        {"after_seconds": 1},
        {"posts": [{"to": "C0", "channel": "C0 <!channel>", "ts": "1.1"}]},
        {"posts": [{"to": "C0", "channel": "C0", "ts": "now"}]},
        {"posts": [{"to": "C0", "channel": "C0", "ts": "1.1"}] * 6},
        {"member": "ann"},
        {"ended_at": "2026-03-01T09:00:00"},
        {"ended_at": "yesterday"},
    ],
)
def test_nobody_else_can_write_a_reminder(change: dict[str, Any]) -> None:
    scheduler = FakeScheduler()
    reminders(scheduler).first(QUIET, report())
    asked = scheduler.wake
    Request.parse(asked, DEFAULTS)
    with pytest.raises(InvalidRequest, match="'reminder' is for Snow White itself"):
        Request.parse({**asked, "reminder": {**asked["reminder"], **change}}, DEFAULTS)
    with pytest.raises(InvalidRequest, match="'reminder' is for Snow White itself"):
        Request.parse({**asked, "action": "quiet"}, DEFAULTS)
