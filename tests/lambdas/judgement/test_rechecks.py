"""While others work, those that were confirmed are asked whether they still are, by a document that only reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from infra.script_modules import ScriptModules
from snow_white.aws import run_command
from snow_white.model.action import Action
from snow_white.model.fleet import RegionPlan
from snow_white.model.progress import Progress
from snow_white.model.run import Execution, Run
from snow_white.steps.recheck import recheck_is_due
from tests.lambdas.fake_cloud import START, FakeCloud, FakeCommand, FakeRegion, client_error
from tests.lambdas.fake_hosts import QUIET_PROCESS, Answer, FakeInstance, quieted, rests, says
from tests.lambdas.story import Story, request

PID: int = QUIET_PROCESS["pid"]


def process(state: str = "quiet", *, pid: int = PID, busy: int = 0) -> dict[str, Any]:
    return {**QUIET_PROCESS, "pid": pid, "busy": busy, "state": state}


AWAKE = Answer(2, output=rests([process("awake", pid=PID + 1, busy=2)], message="2 jobs"))
NEVER = Answer(10**9)
LOST = Answer(60, "DeliveryTimedOut", -1)
WORKS_AGAIN = Answer(
    100, "Failed", 2, says("busy", message="works again", processes=[process("quieting", busy=2)])
)


class Fleet:
    """Three workers in one region: two are quiet after 20 seconds, and `late` works for long."""

    def __init__(self, last_end: float = 900) -> None:
        self.cloud = FakeCloud(("us-east-1",))
        self.region: FakeRegion = self.cloud["us-east-1"]
        self.early, self.other, self.late = self.region.add_environment("shop", "shop-workers", instances=3)
        self.early.answers, self.other.answers = [quieted(20)], [quieted(20)]
        self.late.answers = [quieted(last_end), quieted(20)]

    @property
    def seconds(self) -> float:
        return (self.cloud.clock.now - START).total_seconds()

    def story(self, meanwhile: Callable[[], None] = lambda: None, **changes: Any) -> Story:
        return Story(self.cloud, request(regions=self.cloud.names, **changes), lambda _turn: meanwhile())

    def report(self, meanwhile: Callable[[], None] = lambda: None, **changes: Any) -> dict[str, Any]:
        return self.story(meanwhile, **changes).report()

    def sent(self, instance: FakeInstance, action: Action) -> list[FakeCommand]:
        return [
            one
            for one in self.region.commands
            if one.document == action.document_name and instance.id in one.answers and not is_question(one)
        ]


def is_question(command: FakeCommand) -> bool:
    return command.comment.endswith(" 0")


@pytest.mark.parametrize("last_end", [300, 900, 1_800])
def test_at_the_end_nobody_is_asked_again_because_all_were_rechecked_while_others_worked(
    last_end: int,
) -> None:
    fleet = Fleet(last_end)
    assert fleet.report()["counts"] == {"quiet": 3}
    assert [one.received for one in (fleet.early, fleet.other, fleet.late)] == [1, 1, 1]
    assert last_end // 300 <= fleet.early.rechecked <= last_end / 150
    assert fleet.late.rechecked == 0
    assert fleet.seconds <= last_end * 1.02 + 2


@pytest.mark.parametrize("action", [Action.QUIET, Action.STOP])
def test_a_recheck_is_a_status_command_that_ends_within_two_minutes(action: Action) -> None:
    fleet = Fleet()
    if action is Action.STOP:
        stopped = says("stopped", took=20, processes=[process("stopped", pid=0)])
        fleet.early.answers = fleet.other.answers = [Answer(20, output=stopped)]
        fleet.late.answers = [Answer(900, output=says("stopped", took=900))]
    assert fleet.report(action=action)["result"] == "confirmed"
    rechecks = fleet.sent(fleet.early, Action.STATUS)
    assert len(rechecks) == fleet.early.rechecked > 2
    assert len(fleet.sent(fleet.early, action)) == 1
    for one in rechecks:
        assert one.options["TimeoutSeconds"] + int(one.parameters["executionTimeout"][0]) <= 120
        assert "run" not in one.parameters


def test_the_document_of_a_recheck_has_no_code_that_signals_or_stops_a_worker() -> None:
    modules = set(ScriptModules().order("status"))
    changing = {"drain", "stop", "signals", "quiet_signal", "start_stopped", "restart_quiet"}
    assert not modules & changing
    assert changing == changing & {
        one for action in ("quiet", "stop", "wake") for one in ScriptModules().order(action)
    }


def test_a_worker_that_works_again_is_quieted_again_and_waited_for() -> None:
    fleet = Fleet(last_end=500)
    fleet.early.answers = [quieted(20), quieted(400), quieted(20)]
    still = Answer(14, output=rests([process()]))
    fleet.early.recheck_answers = [still, AWAKE, still]
    assert fleet.report()["counts"] == {"quiet": 3}
    assert (fleet.early.received, fleet.other.received) == (2, 1)
    again = fleet.sent(fleet.early, Action.QUIET)[1]
    assert (again.sent_at - START).total_seconds() < 600
    assert fleet.seconds >= (again.sent_at - START).total_seconds() + 400


def test_what_one_has_answered_is_not_overlooked_while_others_have_not_answered() -> None:
    fleet = Fleet(last_end=260)
    fleet.early.answers = [quieted(20), WORKS_AGAIN]
    fleet.early.recheck_answers = [AWAKE]
    fleet.other.recheck_answers = [NEVER]
    report = fleet.report()
    assert {one["instance"]: one["reason"] for one in report["problems"]} == {fleet.early.id: "works again"}
    assert report["counts"] == {"quiet": 2, "busy": 1}


@pytest.mark.parametrize("answer", [NEVER, LOST])
def test_a_recheck_that_nobody_answers_does_not_hold_up_the_end(answer: Answer) -> None:
    fleet = Fleet(last_end=260)
    fleet.early.recheck_answers = fleet.other.recheck_answers = [answer]
    assert fleet.report()["counts"] == {"quiet": 3}
    assert (fleet.early.rechecked, fleet.early.received) == (1, 1)
    assert fleet.seconds < 270


@pytest.mark.parametrize("answer", [NEVER, LOST])
def test_who_has_answered_no_recheck_for_five_minutes_is_asked_at_the_end(answer: Answer) -> None:
    fleet = Fleet()
    fleet.early.recheck_answers = [answer]
    fleet.early.answers = [quieted(20), WORKS_AGAIN]
    assert fleet.report()["counts"] == {"quiet": 2, "busy": 1}
    assert fleet.early.received == 2


def test_nothing_is_confirmed_by_a_recheck_that_is_older_than_five_minutes() -> None:
    fleet = Fleet()
    fleet.early.recheck_answers = [Answer(14, output=rests([process()])), LOST]
    fleet.early.answers = [quieted(20), WORKS_AGAIN]
    assert fleet.report()["counts"] == {"quiet": 2, "busy": 1}


def test_slacks_numbers_do_not_fall_while_rechecks_are_under_way() -> None:
    fleet = Fleet()
    fleet.early.recheck_answers = [Answer(50, output=rests([process()]))]
    story, counted = fleet.story(), list[int]()
    story.polled = lambda run: counted.append(run.progress.confirmed)
    story.end()
    assert counted == sorted(counted)
    assert counted[-1] == 3


STOPPED = process("stopped", pid=0)


@pytest.mark.parametrize(
    "output",
    [
        pytest.param(rests([]), id="the process has gone, and may be started again"),
        pytest.param(rests([process(), process(pid=PID + 1)]), id="less was quiet before"),
        pytest.param(rests([process(busy=1)]), id="a job"),
        pytest.param(rests([process("quieting")]), id="not proven"),
        pytest.param(rests([process("embedded")]), id="embedded"),
        pytest.param(rests([process(), process("booting", pid=1)]), id="another one boots"),
        pytest.param(rests([STOPPED]), id="stopped by somebody"),
        pytest.param(says("quiet", processes=[process()], at_work="none"), id="no answer to this question"),
    ],
)
def test_whatever_is_not_as_it_was_confirmed_is_found_by_a_command(output: str) -> None:
    fleet = Fleet()
    fleet.early.recheck_answers = [Answer(14, output=output), Answer(14, output=rests([process()]))]
    assert fleet.report()["counts"] == {"quiet": 3}
    assert (fleet.early.received, fleet.other.received) == (2, 1)


@pytest.mark.parametrize(
    "output",
    [
        pytest.param(rests([process(), STOPPED]), id="a quiet host does not list what was stopped before"),
        pytest.param(rests([process()], at_work="quiet"), id="another run asks it"),
        pytest.param(
            says("reported", processes=[process()]), id="a document that does not tell what is at work"
        ),
        pytest.param(rests([process()], starting=True), id="something may be about to start another one"),
        pytest.param(says("unconfirmed", message="ended by a signal"), id="it could not look"),
    ],
)
def test_what_rests_is_not_quieted_again(output: str) -> None:
    fleet = Fleet()
    fleet.early.recheck_answers = [Answer(14, output=output), Answer(14, output=rests([process()]))]
    assert fleet.report()["counts"] == {"quiet": 3}
    assert fleet.early.received == 1


def test_who_rests_while_something_may_start_a_worker_is_not_confirmed_by_that() -> None:
    fleet = Fleet(last_end=500)
    fleet.early.recheck_answers = [Answer(14, output=rests([process()], starting=True))]
    fleet.early.answers = [quieted(20), WORKS_AGAIN]
    assert fleet.report()["counts"] == {"quiet": 2, "busy": 1}


@pytest.mark.parametrize("last_end", [565, 580, 588])
def test_who_was_refuted_shortly_before_the_deadline_is_asked_again_as_who_is_stale(last_end: int) -> None:
    fleet = Fleet(last_end)
    still, other = (Answer(14, output=rests([process(pid=pid)])) for pid in (PID, PID + 1))
    fleet.early.recheck_answers = [still, other]
    fleet.early.answers = [quieted(20), quieted(20)]
    assert fleet.report(timeout_seconds=600)["counts"] == {"quiet": 3}
    assert (fleet.early.rechecked, fleet.early.received) == (2, 2)


def test_a_host_with_more_processes_than_an_answer_lists_is_asked_at_the_end_only() -> None:
    fleet = Fleet()
    fleet.early.answers = [
        Answer(
            20, output=says("quiet", took=20, processes=[process()]).replace('"omitted": 0', '"omitted": 8')
        )
    ]
    assert fleet.report()["counts"] == {"quiet": 3}
    assert (fleet.early.rechecked, fleet.early.received) == (0, 2)


def test_a_host_without_sidekiq_is_rechecked_too() -> None:
    fleet = Fleet()
    fleet.early.answers = [Answer(5, "Failed", 3, says("no_worker", took=5))]
    assert fleet.report()["counts"] == {"quiet": 2, "no_worker": 1}
    assert fleet.early.received == 1
    assert fleet.early.rechecked > 2


def test_a_host_that_has_got_workers_meanwhile_is_quieted() -> None:
    fleet = Fleet()
    fleet.early.answers = [Answer(5, "Failed", 3, says("no_worker", took=5)), quieted(30)]
    fleet.early.recheck_answers = [AWAKE, Answer(14, output=rests([process()]))]
    assert fleet.report()["counts"] == {"quiet": 3}
    assert fleet.early.received == 2


def test_whom_somebody_has_woken_is_not_put_to_sleep_again() -> None:
    fleet = Fleet()
    fleet.early.recheck_answers = [AWAKE]
    woken = list[int]()

    def wake() -> None:
        if not woken and fleet.seconds > 100:
            woken.append(1)
            fleet.region.send_command(
                DocumentName=Action.WAKE.document_name,
                InstanceIds=[fleet.early.id],
                Comment="by hand",
                Parameters={},
            )

    report = fleet.report(wake)
    assert len(fleet.sent(fleet.early, Action.QUIET)) == 1
    (problem,) = report["problems"]
    assert problem["instance"] == fleet.early.id
    assert "it was quiet, but then wake was sent to it" in problem["reason"]


def test_a_dispatch_that_died_after_it_had_sent_rechecks_does_not_send_them_twice() -> None:
    class DyingOnce(Story):
        def _dispatch(self, run: Run) -> Run:
            super()._dispatch(run)
            self.cloud.clock.advance(5)
            return super()._dispatch(run)

    fleet = Fleet()
    DyingOnce(fleet.cloud, request(regions=fleet.cloud.names)).end()
    times = [one.sent_at for one in fleet.sent(fleet.early, Action.STATUS)]
    assert len(times) >= 3
    assert all(later - earlier > timedelta(seconds=90) for earlier, later in pairwise(times))


def test_a_region_that_refuses_rechecks_loses_nothing_but_time(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet()
    send = fleet.region.send_command

    def refuse(**asked: Any) -> dict[str, Any]:
        if asked["Comment"].endswith(" recheck"):
            raise client_error("AccessDeniedException", "not allowed", 400)
        return send(**asked)

    monkeypatch.setattr(fleet.region, "send_command", refuse)
    assert fleet.report()["counts"] == {"quiet": 3}
    assert (fleet.early.rechecked, fleet.early.received) == (0, 2)


def test_after_the_first_hour_the_end_renews_what_is_stale() -> None:
    fleet = Fleet(last_end=7_000)
    story = fleet.story()
    assert story.report()["counts"] == {"quiet": 3}
    last = fleet.sent(fleet.early, Action.STATUS)[-1]
    assert last.sent_at - START <= timedelta(seconds=3_600)
    assert fleet.early.rechecked <= 3_600 / 150
    assert fleet.early.received == 2


def test_rechecks_push_no_command_out_of_the_state() -> None:
    fleet = Fleet()
    commands = fleet.story().end().commands["us-east-1"]
    assert len(commands) == 1


@pytest.mark.parametrize(("instances", "due"), [(1_000, True), (1_001, False)])
def test_a_fleet_of_which_a_recheck_costs_too_much_is_not_rechecked(instances: int, due: bool) -> None:
    execution = Execution("arn:aws:states:us-east-1:1:execution:SnowWhite:x", "x", START)
    plan = (RegionPlan("us-east-1", (), instances), RegionPlan("eu-west-1", (), 1_000))
    run = Run.planned(execution, request(), plan)
    run = replace(run, dispatched_at=START, progress=Progress(1, instances))
    assert recheck_is_due(run, START + timedelta(minutes=5)) is due


@pytest.mark.parametrize("kind", [{}, {"renewal": True}, {"recheck": True}])
def test_a_comment_has_at_most_100_characters(kind: dict[str, bool]) -> None:
    execution = Execution("arn:aws:states:us-east-1:1:execution:SnowWhite:x", "x" * 80, START)
    assert len(run_command.comment(execution, 12_345, **kind)) <= 100
