"""Runs from their first to their last state, on the cloud in memory."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from infra.command_documents import command_document
from snow_white.aws.environments import NothingMatched
from snow_white.aws.regions import RegionRefused, RegionUnavailable
from snow_white.aws.run_command import run_parameter
from snow_white.model.action import Action
from snow_white.model.lease import Lease
from snow_white.model.reminder import Reminder
from snow_white.model.run import Execution, Outcome, Run
from snow_white.steps.discover import discover
from snow_white.steps.dispatch import dispatch
from snow_white.steps.poll import poll
from tests.lambdas.fake_cloud import START, FakeCloud, FakeCommand, client_error, network_error
from tests.lambdas.fake_hosts import Answer, says
from tests.lambdas.story import Story, request

BUSY = {
    "pid": 42,
    "version": "6.4.1",
    "tag": "shop",
    "busy": 2,
    "state": "quieting",
    "supervisor": "systemd:worker",
}


def problems(report: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {one["instance"]: (one["verdict"], one["reason"]) for one in report["problems"]}


def asks(command: FakeCommand) -> bool:
    """Whether it only asks those who take long for their jobs; such commands have the number 0."""
    return command.comment.endswith(" 0")


def sent_to(cloud: FakeCloud) -> list[str]:
    """Ids in the order of the sendings, without the questions to those who take long."""
    return [
        one
        for region in cloud.regions.values()
        for command in region.commands
        if not asks(command)
        for one in command.answers
    ]


@pytest.mark.parametrize(
    ("action", "verdict"),
    [("quiet", "quiet"), ("stop", "stopped"), ("wake", "awake"), ("status", "reported")],
)
def test_when_every_worker_confirms_the_run_is_confirmed(cloud: FakeCloud, action: str, verdict: str) -> None:
    report = Story(cloud, request(Action(action))).report()
    assert report["result"] == "confirmed"
    assert report["cause"] is None
    assert report["counts"] == {verdict: 3}
    assert report["environments"] == ["shop-workers", "shop-workers-eu"]
    assert report["regions"] == ["us-east-1", "eu-west-1"]


def test_an_environment_that_does_not_match_is_never_touched(cloud: FakeCloud) -> None:
    Story(cloud, request()).end()
    region = cloud["us-east-1"]
    ids = {one["EnvironmentId"] for one in region.environments if one["EnvironmentName"].endswith("web")}
    web = [one.id for one in region.instances.values() if one.environment_id in ids]
    assert web
    assert not set(web) & set(sent_to(cloud))


def test_every_worker_is_sent_to_once_with_what_the_service_must_be_told(cloud: FakeCloud) -> None:
    Story(cloud, request(timeout_seconds=3600)).end()
    assert len(sent_to(cloud)) == len(set(sent_to(cloud))) == 3
    options = cloud["us-east-1"].commands[0].options
    assert options["MaxConcurrency"] == "50"
    assert options["MaxErrors"] == "100%"
    assert options["Parameters"] == {
        "executionTimeout": ["3600"],
        "run": [f"{int(START.timestamp())} night-1"],
    }
    assert re.fullmatch(r"SnowWhite night-1 [0-9a-f]{8} 1", options["Comment"])


def test_hosts_are_told_which_run_it_is_in_letters_that_are_safe_in_a_script() -> None:
    execution = Execution("arn", "night 1$(reboot)'é" + "n" * 62, START)
    parameter = run_parameter(execution)
    assert parameter == f"{int(START.timestamp())} night-1--reboot---{'n' * 62}"
    pattern = command_document("quiet")["parameters"]["run"]["allowedPattern"]
    assert re.search(pattern, parameter)


@pytest.mark.parametrize("action", [Action.WAKE, Action.STATUS])
def test_who_puts_nobody_to_sleep_is_not_remembered(cloud: FakeCloud, action: Action) -> None:
    Story(cloud, request(action)).end()
    assert "run" not in cloud["us-east-1"].commands[0].options["Parameters"]


def test_the_report_of_a_status_says_by_whom_and_since_when_workers_sleep(cloud: FakeCloud) -> None:
    slept = {**BUSY, "busy": 0, "state": "quiet", "since": int(START.timestamp())}
    said = says("reported", processes=[slept], asleep_by="quiet-ann")
    for one in cloud["eu-west-1"].instances.values():
        one.answers = [Answer(output=said)]
    hosts = Story(cloud, request(Action.STATUS)).report()["hosts"]
    (asleep,) = [host for host in hosts if host["region"] == "eu-west-1"]
    assert asleep["asleep_by"] == "quiet-ann"
    assert asleep["processes"][0]["since"] == START.isoformat()
    assert not any("asleep_by" in host for host in hosts if host is not asleep)


def test_an_instance_without_an_agent_is_named_and_the_run_not_confirmed(cloud: FakeCloud) -> None:
    lost = cloud["eu-west-1"].add_instance("shop-workers-eu", managed=False)
    report = Story(cloud, request()).report()
    assert (report["result"], report["error"]) == ("not_confirmed", "NotConfirmed")
    assert problems(report)[lost.id][0] == "unreachable"
    assert lost.id in report["cause"]
    assert "3 of 4 instances are confirmed quiet" in report["cause"]


def test_a_worker_that_is_still_busy_is_named_with_its_process_and_jobs(cloud: FakeCloud) -> None:
    stuck = next(iter(cloud["us-east-1"].instances.values()))
    stuck.answers = [Answer(3500, "Failed", 2, says("busy", message="jobs run", processes=[BUSY]))]
    report = Story(cloud, request(timeout_seconds=3600)).report()
    assert problems(report)[stuck.id] == ("busy", "jobs run")
    assert "process 42 shop: 2 jobs" in report["cause"]


def test_an_instance_that_appears_is_sent_to_while_the_others_still_drain(cloud: FakeCloud) -> None:
    region = cloud["us-east-1"]
    for one in region.instances.values():
        one.answers = [Answer(after=1800), Answer(20)]

    def meanwhile(turn: int) -> None:
        if turn == 3:
            region.add_instance("shop-workers", launched_at=cloud.clock.now)

    report = Story(cloud, request(), meanwhile).report()
    assert report["counts"] == {"quiet": 4}
    newest = region.commands[1]
    assert (newest.sent_at - START) < timedelta(seconds=60)


def test_an_instance_that_appears_at_the_very_end_is_quieted_before_the_end_is_told(cloud: FakeCloud) -> None:
    def meanwhile(turn: int) -> None:
        if turn == 3:
            cloud["us-east-1"].add_instance("shop-workers", launched_at=cloud.clock.now)

    report = Story(cloud, request(), meanwhile).report()
    assert report["counts"] == {"quiet": 4}


def test_an_environment_that_is_made_during_the_run_is_in_scope(cloud: FakeCloud) -> None:
    def meanwhile(turn: int) -> None:
        if turn == 0:
            cloud["eu-west-1"].add_environment("shop", "shop-workers-clone", instances=2)

    report = Story(cloud, request(), meanwhile).report()
    assert report["counts"] == {"quiet": 5}
    assert "shop-workers-clone" in report["environments"]


def test_an_instance_that_is_still_starting_is_waited_for(cloud: FakeCloud) -> None:
    starting = cloud["us-east-1"].add_instance(
        "shop-workers", state="pending", managed=False, launched_at=START
    )

    def meanwhile(turn: int) -> None:
        if turn == 8:
            starting.state, starting.managed = "running", True

    assert Story(cloud, request(), meanwhile).report()["counts"] == {"quiet": 4}


def test_an_instance_that_is_terminated_is_gone_and_no_failure(cloud: FakeCloud) -> None:
    victim = next(iter(cloud["us-east-1"].instances.values()))
    victim.answers = [Answer(after=7_200, status="DeliveryTimedOut", exit_code=-1)]

    def meanwhile(turn: int) -> None:
        if turn == 2:
            victim.state = "terminated"

    report = Story(cloud, request(), meanwhile).report()
    assert report["result"] == "confirmed"
    assert report["counts"] == {"quiet": 2, "gone": 1}
    assert report["duration_seconds"] < 60


def test_when_every_instance_is_gone_nothing_is_confirmed(cloud: FakeCloud) -> None:
    def meanwhile(turn: int) -> None:
        for region in cloud.regions.values():
            for one in region.instances.values():
                one.state = "terminated"

    report = Story(cloud, request(), meanwhile).report()
    assert report["result"] == "not_confirmed"
    assert "3 gone since the start" in report["cause"]


def test_a_command_that_was_lost_is_sent_again_at_once_and_not_when_the_others_are_done(
    cloud: FakeCloud,
) -> None:
    lost, slow = list(cloud["us-east-1"].instances.values())[:2]
    lost.answers = [Answer(120, "DeliveryTimedOut", -1), Answer(20)]
    slow.answers = [Answer(after=3000), Answer(20)]
    report = Story(cloud, request()).report()
    assert report["counts"] == {"quiet": 3}
    again = next(c for c in cloud["us-east-1"].commands[1:] if lost.id in c.answers and not asks(c))
    assert again.sent_at - START < timedelta(seconds=200)


def test_a_worker_that_cannot_be_reached_is_tried_a_few_times_and_then_named(cloud: FakeCloud) -> None:
    dead = next(iter(cloud["us-east-1"].instances.values()))
    dead.answers = [Answer(120, "DeliveryTimedOut", -1)]
    report = Story(cloud, request()).report()
    assert problems(report)[dead.id][0] == "unreachable"
    assert sent_to(cloud).count(dead.id) == 3


def test_a_definite_answer_is_not_asked_for_again(cloud: FakeCloud) -> None:
    firm = next(iter(cloud["us-east-1"].instances.values()))
    firm.answers = [Answer(5, "Failed", 1, says("unconfirmed", message="a worker died while busy"))]
    report = Story(cloud, request()).report()
    assert problems(report)[firm.id] == ("unconfirmed", "a worker died while busy")
    assert sent_to(cloud).count(firm.id) == 1


def test_one_refused_id_does_not_keep_the_others_from_being_reached(cloud: FakeCloud) -> None:
    region = cloud["us-east-1"]
    for _ in range(120):
        region.add_instance("shop-workers")
    bad = region.add_instance("shop-workers", refused=True)
    report = Story(cloud, request()).report()
    assert report["counts"] == {"quiet": 123, "unreachable": 1}
    assert problems(report)[bad.id] == ("unreachable", f"Instances not in a valid state: {bad.id}")


def test_an_instance_that_stays_refused_does_not_use_up_the_history(cloud: FakeCloud) -> None:
    for one in cloud["us-east-1"].instances.values():
        one.answers = [Answer(after=172_000), Answer(20)]
    cloud["us-east-1"].add_instance("shop-workers", refused=True)
    story = Story(cloud, request(timeout_seconds=172_800))
    assert story.report()["counts"] == {"quiet": 3, "unreachable": 1}
    assert story.events < 25_000


def test_a_host_without_sidekiq_is_listed_and_fails_nobody(cloud: FakeCloud) -> None:
    bare = next(iter(cloud["us-east-1"].instances.values()))
    bare.answers = [Answer(5, "Failed", 3, says("no_worker", message="no Sidekiq here"))]
    report = Story(cloud, request()).report()
    assert report["result"] == "confirmed"
    assert report["counts"] == {"quiet": 2, "no_worker": 1}
    assert [one["instance"] for one in report["notes"]] == [bare.id]


def test_when_no_worker_is_found_anywhere_the_run_is_not_confirmed(cloud: FakeCloud) -> None:
    for region in cloud.regions.values():
        for one in region.instances.values():
            one.answers = [Answer(5, "Failed", 3, says("no_worker"))]
    report = Story(cloud, request()).report()
    assert report["result"] == "not_confirmed"
    assert "No worker was found" in report["cause"]


def test_a_region_that_falls_silent_for_a_while_is_waited_for(cloud: FakeCloud) -> None:
    region = cloud["eu-west-1"]

    def meanwhile(turn: int) -> None:
        region.down = network_error() if 1 <= turn < 9 else None

    assert Story(cloud, request(), meanwhile).report()["counts"] == {"quiet": 3}


def test_a_region_that_stays_silent_is_named_and_nothing_in_it_is_called_quiet(cloud: FakeCloud) -> None:
    def meanwhile(turn: int) -> None:
        if turn == 0:
            cloud["eu-west-1"].down = network_error()

    report = Story(cloud, request(timeout_seconds=600), meanwhile).report()
    assert report["result"] == "not_confirmed"
    assert report["counts"] == {"quiet": 2}
    assert [(one["region"], one["verdict"]) for one in report["problems"]] == [("eu-west-1", "unreachable")]


def test_a_permission_that_is_taken_away_in_one_region_leaves_the_others_to_their_end(
    cloud: FakeCloud,
) -> None:
    for one in cloud["us-east-1"].instances.values():
        one.answers = [Answer(after=3600), Answer(20)]

    def meanwhile(turn: int) -> None:
        if cloud.clock.now - START > timedelta(minutes=30):
            cloud["eu-west-1"].down = client_error("AccessDeniedException", "explicit deny", 400)

    report = Story(cloud, request(), meanwhile).report()
    assert report["counts"] == {"quiet": 2}
    assert [one["region"] for one in report["problems"]] == ["eu-west-1"]
    assert "explicit deny" in report["cause"]
    assert report["duration_seconds"] < 4200


def test_an_agent_that_dies_during_the_drain_is_waited_for_until_the_deadline_and_no_longer(
    cloud: FakeCloud,
) -> None:
    dead = next(iter(cloud["us-east-1"].instances.values()))
    dead.answers = [Answer(after=10**9)]
    report = Story(cloud, request(timeout_seconds=1800)).report()
    assert problems(report)[dead.id][0] == "unconfirmed"
    assert 1800 <= report["duration_seconds"] <= 1800 + 180
    assert cloud["us-east-1"].commands[0].cancelled


def test_a_command_that_the_lists_do_not_show_yet_is_not_sent_twice(cloud: FakeCloud) -> None:
    region = cloud["us-east-1"]

    def meanwhile(turn: int) -> None:
        region.hidden_commands = {c.id for c in region.commands} if turn < 2 else set()

    Story(cloud, request(), meanwhile).end()
    assert len(sent_to(cloud)) == 3


def test_a_dispatch_that_is_tried_again_finds_what_it_has_sent(cloud: FakeCloud) -> None:
    run = Run.planned(
        Execution("arn:aws:states:us-east-1:1:execution:SnowWhite:night-1", "night-1", START),
        request(),
        discover(request(), cloud).plan,  # type: ignore[arg-type]
    )
    dispatch(run, cloud, cloud.clock.now)  # type: ignore[arg-type]
    cloud.clock.advance(3)
    again = dispatch(run, cloud, cloud.clock.now)  # type: ignore[arg-type]
    assert len(sent_to(cloud)) == 3
    assert {c.id for r in cloud.regions.values() for c in r.commands} == {
        one for ids in again.commands.values() for one in ids
    }


def test_another_executions_commands_are_not_taken_for_ones_own(cloud: FakeCloud) -> None:
    first = Story(cloud, request())
    first.end()
    other = Run.planned(
        Execution("arn:aws:states:us-east-1:1:execution:SnowWhite:night-11", "night-11", cloud.clock.now),
        request(),
        discover(request(), cloud).plan,  # type: ignore[arg-type]
    )
    after = dispatch(other, cloud, cloud.clock.now)  # type: ignore[arg-type]
    assert len(sent_to(cloud)) == 6
    assert poll(after, cloud, cloud.clock.now).outcome is not Outcome.FINISHED  # type: ignore[arg-type]


def test_nothing_matched_says_what_was_looked_for(cloud: FakeCloud) -> None:
    with pytest.raises(NothingMatched, match=r"'wrokers'.*shop-web, shop-workers"):
        Story(cloud, request(environments=("wrokers",))).end()


def test_environments_without_an_instance_are_no_success(cloud: FakeCloud) -> None:
    cloud["us-east-1"].add_environment("empty", "empty-workers")
    with pytest.raises(NothingMatched, match="No instance is running in empty-workers"):
        Story(cloud, request(application="empty")).end()


def test_a_region_that_does_not_answer_at_the_start_is_not_planned_around(cloud: FakeCloud) -> None:
    cloud["eu-west-1"].down = network_error()
    with pytest.raises(RegionUnavailable, match="eu-west-1"):
        Story(cloud, request()).end()


def test_a_region_without_the_document_is_named_before_anything_is_sent(cloud: FakeCloud) -> None:
    cloud["eu-west-1"].documents = False
    with pytest.raises(RegionRefused, match="SnowWhite-Documents-eu-west-1"):
        Story(cloud, request()).end()
    assert sent_to(cloud) == []


def test_the_shortest_timeout_is_enough_to_be_sent(cloud: FakeCloud) -> None:
    assert Story(cloud, request(timeout_seconds=60)).report()["result"] == "confirmed"


def test_what_is_arranged_for_a_run_is_arranged_once_before_anything_is_sent(cloud: FakeCloud) -> None:
    arranged: list[int] = []

    def arrange(run: Run, now: datetime) -> Run:
        arranged.append(len(sent_to(cloud)))
        return replace(run, lease=Lease(now))

    execution = Execution(
        "arn:aws:states:us-east-1:111122223333:execution:SnowWhite:night-1", "night-1", START
    )
    asked = request(wake_after_seconds=7_200)
    found = discover(asked, cloud)  # type: ignore[arg-type]
    run = Run.planned(execution, asked, found.plan)
    after = dispatch(run, cloud, START, arrange=arrange)  # type: ignore[arg-type]
    assert arranged == [0]
    assert after.lease == Lease(START)
    dispatch(after, cloud, START, arrange=arrange)  # type: ignore[arg-type]
    assert arranged == [0]


def test_what_could_not_be_arranged_is_arranged_at_a_later_sending(cloud: FakeCloud) -> None:
    outcomes = [Lease(failure="Rate exceeded"), Lease(failure="Rate exceeded"), Lease(START)]

    def arrange(run: Run, _now: datetime) -> Run:
        return replace(run, lease=outcomes.pop(0))

    execution = Execution(
        "arn:aws:states:us-east-1:111122223333:execution:SnowWhite:night-1", "night-1", START
    )
    asked = request(wake_after_seconds=7_200)
    found = discover(asked, cloud)  # type: ignore[arg-type]
    run = Run.planned(execution, asked, found.plan)
    for left in (2, 1, 0, 0):
        run = dispatch(run, cloud, START, arrange=arrange)  # type: ignore[arg-type]
        assert len(outcomes) == left
    assert run.lease == Lease(START)


def test_in_a_look_those_that_its_run_has_put_to_sleep_have_room_first(cloud: FakeCloud) -> None:
    cloud["us-east-1"].add_environment("shop", "shop-workers-many", instances=120)
    slept = {**BUSY, "busy": 0, "state": "quiet", "since": int(START.timestamp())}
    last = [*cloud["us-east-1"].instances.values()][-1]
    last.answers = [Answer(output=says("reported", processes=[slept], asleep_by="quiet-ann"))]
    reminder = Reminder("1764000000 quiet-ann", START, 1, 3_600)
    report = Story(cloud, request(Action.STATUS, reminder=reminder)).report()
    assert report["more_hosts"] > 0
    assert report["hosts"][0]["instance"] == last.id
