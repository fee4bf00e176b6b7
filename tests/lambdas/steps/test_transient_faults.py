"""A fault that passes delays a run and does not fail it; and nothing is believed because of one odd answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from snow_white.aws.regions import RegionUnavailable
from snow_white.aws.run_command import Command, cancel
from snow_white.model.action import Action
from snow_white.model.run import Outcome
from tests.lambdas.fake_cloud import START, FakeCloud, FakeRegion, client_error, command_id, network_error
from tests.lambdas.fake_hosts import Answer, says
from tests.lambdas.story import Story, request

LONG = 3_000


@pytest.fixture
def cloud() -> FakeCloud:
    cloud = FakeCloud()
    cloud["us-east-1"].add_environment("shop", "shop-workers", instances=3)
    cloud["eu-west-1"].add_environment("shop", "shop-workers-eu", instances=2)
    return cloud


def seconds(cloud: FakeCloud) -> float:
    return (cloud.clock.now - START).total_seconds()


def fail_during(
    cloud: FakeCloud, region: FakeRegion, call: str, first: float, last: float, error: Exception
) -> None:
    """Let one call of a region fail in a span of seconds since the start."""
    works: Callable[..., Any] = getattr(region, call)

    def answer(**given: Any) -> Any:
        if first <= seconds(cloud) < last:
            raise error
        return works(**given)

    setattr(region, call, answer)


THROTTLED = client_error("ThrottlingException", "Rate exceeded", 400)


@pytest.mark.parametrize("length", [20, 60, 300])
def test_a_sending_that_is_throttled_at_the_start_is_waited_out(cloud: FakeCloud, length: float) -> None:
    fail_during(cloud, cloud["us-east-1"], "send_command", 0, length, THROTTLED)
    report = Story(cloud, request()).report()
    assert (report["result"], report["counts"]) == ("confirmed", {"quiet": 5})


def test_a_sending_that_is_throttled_for_hours_fills_no_history(cloud: FakeCloud) -> None:
    fail_during(cloud, cloud["us-east-1"], "send_command", 0, 100_000, THROTTLED)
    story = Story(cloud, request(timeout_seconds=172_800))
    assert story.end().report is not None
    assert story.events < 25_000


def test_throttling_while_confirmations_are_renewed_is_waited_out(cloud: FakeCloud) -> None:
    slow, *_ = cloud["us-east-1"].instances.values()
    slow.answers = [Answer(after=LONG), Answer()]
    fail_during(cloud, cloud["eu-west-1"], "send_command", LONG, LONG + 120, THROTTLED)
    report = Story(cloud, request(timeout_seconds=7_200)).report()
    assert (report["result"], report["counts"]) == ("confirmed", {"quiet": 5})


def test_a_command_whose_rows_lag_behind_its_end_is_waited_for(cloud: FakeCloud) -> None:
    region = cloud["us-east-1"]
    works = region.list_command_invocations

    def lagging(**given: Any) -> Any:
        return works(**given) if seconds(cloud) > 65 else {"CommandInvocations": []}

    region.list_command_invocations = lagging  # type: ignore[method-assign]
    report = Story(cloud, request()).report()
    assert (report["result"], report["counts"]) == ("confirmed", {"quiet": 5})


def test_rows_that_lag_behind_the_last_answers_are_waited_for_past_the_deadline(cloud: FakeCloud) -> None:
    region = cloud["us-east-1"]
    works = region.list_command_invocations

    def lagging(**given: Any) -> Any:
        return works(**given) if seconds(cloud) > 75 else {"CommandInvocations": []}

    region.list_command_invocations = lagging  # type: ignore[method-assign]
    for host in region.instances.values():
        host.answers = [Answer(after=50)]
    report = Story(cloud, request(timeout_seconds=60)).report()
    assert (report["result"], report["counts"]) == ("confirmed", {"quiet": 5})


def test_regions_that_do_not_answer_at_the_start_are_waited_for_before_anything_is_sent(
    cloud: FakeCloud,
) -> None:
    fail_during(cloud, cloud["eu-west-1"], "describe_environments", 0, 240, THROTTLED)
    story = Story(cloud, request())
    report = story.report()
    assert (report["result"], report["counts"]) == ("confirmed", {"quiet": 5})
    sent = [command.sent_at for region in cloud.regions.values() for command in region.commands]
    assert min(sent) >= START + timedelta(seconds=240)


def test_a_region_that_stays_silent_at_the_start_ends_the_run_with_its_name(cloud: FakeCloud) -> None:
    fail_during(cloud, cloud["eu-west-1"], "describe_environments", 0, 100_000, THROTTLED)
    with pytest.raises(RegionUnavailable, match="eu-west-1"):
        Story(cloud, request()).end()
    assert 300 <= seconds(cloud) < 400
    assert not any(region.commands for region in cloud.regions.values())


def test_an_instance_that_one_list_lacks_is_not_gone(cloud: FakeCloud) -> None:
    region = cloud["us-east-1"]
    busy, *_ = region.instances.values()
    busy.answers = [Answer(after=LONG), Answer()]

    def meanwhile(_turn: int) -> None:
        region.unlisted_instances = {busy.id} if 30 < seconds(cloud) < 600 else set()

    report = Story(cloud, request(), meanwhile).report()
    assert (report["result"], report["counts"]) == ("confirmed", {"quiet": 5})
    assert seconds(cloud) > LONG


def test_an_instance_of_which_ec2_says_nothing_makes_its_region_unavailable(cloud: FakeCloud) -> None:
    region = cloud["us-east-1"]
    busy, *_ = region.instances.values()
    busy.answers = [Answer(after=LONG), Answer()]

    def meanwhile(_turn: int) -> None:
        hidden = {busy.id} if seconds(cloud) > 30 else set()
        region.unlisted_instances = region.unanswered_instances = hidden

    report = Story(cloud, request(timeout_seconds=600), meanwhile).report()
    assert report["result"] == "not_confirmed"
    assert report["problems"][0]["instance"] == "all"
    assert busy.id in report["problems"][0]["reason"]


@pytest.mark.parametrize("state", ["terminated", "stopped"])
def test_an_instance_is_gone_when_ec2_says_so_and_the_report_names_it(cloud: FakeCloud, state: str) -> None:
    leaving, *_ = cloud["us-east-1"].instances.values()
    leaving.answers = [Answer(after=LONG)]

    def meanwhile(_turn: int) -> None:
        if seconds(cloud) > 60:
            leaving.state = state

    report = Story(cloud, request(), meanwhile).report()
    assert (report["result"], report["counts"]) == ("confirmed", {"quiet": 4, "gone": 1})
    assert [(one["instance"], one["verdict"]) for one in report["notes"]] == [(leaving.id, "gone")]


def test_an_instance_that_ec2_has_forgotten_is_gone(cloud: FakeCloud) -> None:
    region = cloud["us-east-1"]
    forgotten, *_ = region.instances.values()
    forgotten.answers = [Answer(after=LONG)]

    def meanwhile(_turn: int) -> None:
        if seconds(cloud) > 60:
            region.instances.pop(forgotten.id, None)

    assert Story(cloud, request(), meanwhile).report()["counts"] == {"quiet": 4, "gone": 1}


def test_an_instance_that_is_shutting_down_is_waited_for_since_its_jobs_may_still_run(
    cloud: FakeCloud,
) -> None:
    leaving, *_ = cloud["us-east-1"].instances.values()
    leaving.answers = [Answer(after=LONG)]

    def meanwhile(_turn: int) -> None:
        if seconds(cloud) > 60:
            leaving.state = "shutting-down" if seconds(cloud) < 900 else "terminated"

    report = Story(cloud, request(), meanwhile).report()
    assert report["counts"] == {"quiet": 4, "gone": 1}
    assert seconds(cloud) >= 900


def test_an_instance_that_is_still_shutting_down_at_the_deadline_is_not_confirmed(cloud: FakeCloud) -> None:
    leaving, *_ = cloud["us-east-1"].instances.values()
    leaving.answers = [Answer(after=LONG)]

    def meanwhile(_turn: int) -> None:
        leaving.state = "shutting-down"

    report = Story(cloud, request(timeout_seconds=600), meanwhile).report()
    (problem,) = report["problems"]
    assert (problem["instance"], problem["verdict"]) == (leaving.id, "unconfirmed")
    assert "shutting down" in problem["reason"]


def test_a_dead_agent_does_not_hold_the_run_and_is_named_with_its_last_ping(cloud: FakeCloud) -> None:
    dead, *_ = cloud["us-east-1"].instances.values()
    dead.answers = [Answer(after=100_000)]
    dead.last_ping = START + timedelta(seconds=30)
    report = Story(cloud, request()).report()
    (problem,) = report["problems"]
    assert (problem["instance"], problem["verdict"]) == (dead.id, "unreachable")
    assert "2026-03-01 09:00 UTC" in problem["reason"]
    assert 600 <= seconds(cloud) < 900, "ten minutes of silence, and the pace of the polls"


def test_a_dead_agent_is_served_again_when_it_comes_back_while_others_drain(cloud: FakeCloud) -> None:
    back, slow, _ = cloud["us-east-1"].instances.values()
    slow.answers = [Answer(after=LONG), Answer()]
    back.answers = [Answer(after=1_500), Answer()]
    back.last_ping = START

    def meanwhile(_turn: int) -> None:
        if seconds(cloud) > 1_200:
            back.last_ping = None

    report = Story(cloud, request(), meanwhile).report()
    assert (report["result"], report["counts"]) == ("confirmed", {"quiet": 5})


def test_an_agent_that_answers_no_status_command_is_silent_too(cloud: FakeCloud) -> None:
    hung, *_ = cloud["us-east-1"].instances.values()
    hung.answers = [Answer(after=100_000)]
    hung.silent = True
    report = Story(cloud, request(timeout_seconds=7_200)).report()
    (problem,) = report["problems"]
    assert (problem["instance"], problem["verdict"]) == (hung.id, "unreachable")
    assert seconds(cloud) < 1_800


def test_a_silent_region_comes_first_in_the_report_behind_however_many_problems() -> None:
    cloud = FakeCloud()
    busy = Answer(20, "Failed", 2, says("busy", message="2 jobs still run"))
    for one in cloud["us-east-1"].add_environment("shop", "shop-workers", instances=150):
        one.answers = [busy]
    cloud["eu-west-1"].add_environment("shop", "shop-workers", instances=1)

    def meanwhile(_turn: int) -> None:
        cloud["eu-west-1"].down = network_error()

    report = Story(cloud, request(timeout_seconds=300), meanwhile).report()
    assert (report["problems"][0]["region"], report["problems"][0]["instance"]) == ("eu-west-1", "all")
    assert "eu-west-1" in report["cause"]
    assert report["more_problems"] == 51


@pytest.mark.parametrize(("action", "opposite"), [(Action.QUIET, Action.WAKE), (Action.WAKE, Action.STOP)])
def test_a_run_that_another_one_has_undone_says_so(
    cloud: FakeCloud, action: Action, opposite: Action
) -> None:
    region = cloud["us-east-1"]
    undone, slow, _ = region.instances.values()
    slow.answers = [Answer(after=200), Answer()]

    def meanwhile(turn: int) -> None:
        if turn == 8:
            region.send_command(
                DocumentName=opposite.document_name,
                InstanceIds=[undone.id],
                Comment="SnowWhite deploy-7 0123abcd 1",
                Parameters={},
            )

    report = Story(cloud, request(action), meanwhile).report()
    (problem,) = report["problems"]
    assert (problem["instance"], problem["verdict"]) == (undone.id, "unconfirmed")
    assert f"{opposite.value} was sent to it" in problem["reason"]
    assert "the run deploy-7" in problem["reason"]


def test_a_wake_for_another_run_s_workers_undoes_nothing(cloud: FakeCloud) -> None:
    region = cloud["us-east-1"]
    quiet, slow, _ = region.instances.values()
    slow.answers = [Answer(after=200), Answer()]

    def meanwhile(turn: int) -> None:
        if turn == 8:
            region.send_command(
                DocumentName=Action.WAKE.document_name,
                InstanceIds=[quiet.id],
                Comment="SnowWhite lease-7 0123abcd 1",
                Parameters={"run": ["1764000000 quiet-ann"]},
            )

    assert Story(cloud, request(), meanwhile).report()["result"] == "confirmed"


def test_what_an_opposite_run_did_before_is_no_matter(cloud: FakeCloud) -> None:
    region = cloud["us-east-1"]
    region.send_command(
        DocumentName=Action.WAKE.document_name,
        InstanceIds=list(region.instances),
        Comment="SnowWhite earlier 0123abcd 1",
        Parameters={},
    )
    cloud.clock.advance(5)
    story = Story(cloud, request())
    assert story.report()["result"] == "confirmed"
    assert story.outcomes[-1] is Outcome.FINISHED


@pytest.mark.parametrize("lost", [1, 2])
def test_a_command_that_was_lost_on_its_way_is_sent_again(cloud: FakeCloud, lost: int) -> None:
    unlucky, *_ = cloud["us-east-1"].instances.values()
    unlucky.loses = lost
    report = Story(cloud, request(timeout_seconds=7_200)).report()
    assert (report["result"], report["counts"]) == ("confirmed", {"quiet": 5})
    assert seconds(cloud) < 1_200


def test_a_command_that_is_always_lost_is_not_sent_for_ever(cloud: FakeCloud) -> None:
    unlucky, *_ = cloud["us-east-1"].instances.values()
    unlucky.loses = 1_000
    report = Story(cloud, request(timeout_seconds=3_600)).report()
    assert {one["instance"] for one in report["problems"]} == {unlucky.id}
    sent = [c for c in cloud["us-east-1"].commands if unlucky.id in c.answers and "Quiet" in c.document]
    assert len(sent) == 3


def test_a_host_whose_command_is_at_work_is_not_sent_another(cloud: FakeCloud) -> None:
    slow, *_ = cloud["us-east-1"].instances.values()
    slow.answers = [Answer(after=LONG), Answer()]
    Story(cloud, request()).end()
    sent = [c.sent_at for c in cloud["us-east-1"].commands if slow.id in c.answers and "Quiet" in c.document]
    assert [at for at in sent if at < START + timedelta(seconds=LONG)] == sent[:1]


def test_an_instance_that_could_not_be_sent_to_is_not_forgotten_when_the_last_list_lacks_it(
    cloud: FakeCloud,
) -> None:
    region = cloud["us-east-1"]
    lonely = region.add_instance("shop-workers", managed=False)

    def meanwhile(_turn: int) -> None:
        region.unlisted_instances = {lonely.id} if seconds(cloud) > 15 else set()

    report = Story(cloud, request(), meanwhile).report()
    assert {one["instance"]: one["verdict"] for one in report["problems"]} == {lonely.id: "unreachable"}


def test_confirmations_are_not_renewed_in_vain_while_something_else_is_waited_for(cloud: FakeCloud) -> None:
    leaving, *_ = cloud["us-east-1"].instances.values()
    leaving.answers = [Answer(after=5_000)]

    def meanwhile(_turn: int) -> None:
        leaving.state = "shutting-down" if seconds(cloud) < 2_400 else "terminated"

    report = Story(cloud, request(timeout_seconds=7_200), meanwhile).report()
    assert (report["result"], report["counts"]) == ("confirmed", {"quiet": 4, "gone": 1})


def test_one_command_that_cannot_be_cancelled_keeps_no_other_from_it(cloud: FakeCloud) -> None:
    region = cloud["us-east-1"]
    commands = [
        Command(id_, (), START, ended=False, completed=0)
        for id_ in (command_id("us-east-1", 7), command_id("us-east-1", 0))
    ]
    region.send_command(
        DocumentName=Action.QUIET.document_name, InstanceIds=list(region.instances), Comment="", Parameters={}
    )
    with pytest.raises(ClientError):
        cancel(region, commands)  # type: ignore[arg-type]
    assert region.commands[0].cancelled
