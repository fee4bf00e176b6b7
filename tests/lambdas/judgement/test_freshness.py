"""Nothing old is told as the truth of now: what was proven long ago is proven again, or not called proven."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from snow_white.model.action import Action
from snow_white.model.run import Execution, Outcome, Run
from snow_white.steps.discover import discover
from snow_white.steps.dispatch import dispatch
from tests.lambdas.fake_cloud import START, FakeCloud, client_error, network_error
from tests.lambdas.fake_hosts import Answer, FakeInstance, says
from tests.lambdas.story import Story, request

AT_WORK = {"pid": 42, "version": "6.4.1", "tag": "shop", "busy": 2, "state": "quieting", "supervisor": "none"}
WORKS_AGAIN = Answer(300, "Failed", 2, says("busy", message="works again", processes=[AT_WORK]))
NO_SIDEKIQ = Answer(16, "Failed", 3, says("no_worker", message="no Sidekiq here"))


class Trio:
    """Two workers in one region and one in another. `early` would be found at work if it was asked twice."""

    def __init__(self) -> None:
        self.cloud = FakeCloud()
        self.home, self.away = self.cloud["us-east-1"], self.cloud["eu-west-1"]
        self.early, self.late = self.home.add_environment("shop", "shop-workers", instances=2)
        (self.other,) = self.away.add_environment("shop", "shop-workers-eu", instances=1)
        self.early.answers = [Answer(20), WORKS_AGAIN]

    @property
    def seconds(self) -> float:
        return (self.cloud.clock.now - START).total_seconds()

    def report(self, meanwhile: Callable[[], None] = lambda: None, **changes: Any) -> dict[str, Any]:
        return Story(self.cloud, request(**changes), lambda _turn: meanwhile()).report()


@pytest.fixture
def trio() -> Trio:
    return Trio()


def assert_found_at_work(trio: Trio, report: dict[str, Any]) -> None:
    assert report["result"] == "not_confirmed"
    assert {one["instance"]: one["reason"] for one in report["problems"]}[trio.early.id] == "works again"


def test_a_worker_that_was_restarted_during_a_long_drain_does_not_pass_as_quiet(trio: Trio) -> None:
    trio.late.answers = [Answer(3600), Answer(20)]
    assert_found_at_work(trio, trio.report())


def test_nor_when_the_one_that_took_long_is_gone_at_the_end(trio: Trio) -> None:
    trio.late.answers = [Answer(7000)]

    def meanwhile() -> None:
        if trio.seconds > 5000:
            trio.late.state = "terminated"

    assert_found_at_work(trio, trio.report(meanwhile))


def test_nor_when_the_one_that_took_long_has_no_sidekiq(trio: Trio) -> None:
    trio.late.answers = [Answer(5000, "Failed", 3, says("no_worker")), NO_SIDEKIQ]
    assert_found_at_work(trio, trio.report())


def test_nor_when_it_was_a_region_that_could_not_be_reached_for_an_hour(trio: Trio) -> None:
    def meanwhile() -> None:
        trio.away.down = network_error() if trio.seconds < 3600 else None

    assert_found_at_work(trio, trio.report(meanwhile))


def test_nor_when_another_one_is_refused_all_the_time(trio: Trio) -> None:
    trio.late.answers = [Answer(3600), Answer(20)]
    refused = trio.home.add_instance("shop-workers", refused=True)

    def meanwhile() -> None:
        if trio.seconds > 600:
            refused.state = "terminated"

    assert_found_at_work(trio, trio.report(meanwhile))


def test_nor_when_a_hosts_clock_is_an_hour_ahead(trio: Trio, monkeypatch: pytest.MonkeyPatch) -> None:
    trio.late.answers = [Answer(3600), Answer(20)]
    told = trio.home._invocation

    def ahead(command: Any, instance: str) -> dict[str, Any]:
        raw = told(command, instance)
        for plugin in raw["CommandPlugins"]:
            plugin["ResponseFinishDateTime"] += timedelta(hours=1)
        return raw

    monkeypatch.setattr(trio.home, "_invocation", ahead)
    assert_found_at_work(trio, trio.report())


def test_those_whose_jobs_have_all_ended_lately_are_not_asked_twice(trio: Trio) -> None:
    for number, one in enumerate((trio.early, trio.late, trio.other)):
        one.answers = [Answer(3600 + 60 * number), WORKS_AGAIN]
    assert trio.report()["result"] == "confirmed"
    assert [one.received for one in (trio.early, trio.late, trio.other)] == [1, 1, 1]


def test_a_host_that_counts_more_time_than_has_passed_is_asked_again(trio: Trio) -> None:
    trio.early.answers = [Answer(20, output=says("quiet", took=100_000)), WORKS_AGAIN]
    trio.late.answers = [Answer(3600), Answer(20)]
    assert_found_at_work(trio, trio.report())


def test_a_host_that_does_not_count_is_taken_to_have_answered_at_once(trio: Trio) -> None:
    trio.early.answers = [Answer(3600, output=says("quiet")), WORKS_AGAIN]
    assert_found_at_work(trio, trio.report())


def test_a_step_that_downloads_the_script_is_no_answer_wherever_it_stands(
    trio: Trio, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = trio.home._invocation
    download = {"Name": "downloadQuietScript", "Output": "Content downloaded", "ResponseCode": 0}

    def in_two_steps(command: Any, instance: str) -> dict[str, Any]:
        raw = told(command, instance)
        raw["CommandPlugins"] = [*raw["CommandPlugins"], download]
        return raw

    monkeypatch.setattr(trio.home, "_invocation", in_two_steps)
    assert trio.report()["result"] == "confirmed"


def test_workers_are_asked_again_also_when_the_last_one_stays_busy(trio: Trio) -> None:
    trio.late.answers = [Answer(7000, "Failed", 2, says("busy", processes=[AT_WORK]))]
    report = trio.report()
    assert trio.early.received == 2
    assert report["counts"].get("quiet") == 1


def test_and_when_an_agent_died(trio: Trio) -> None:
    trio.late.answers = [Answer(10**9)]
    trio.early.answers = [Answer(20)]
    report = trio.report()
    assert trio.early.received == 2
    assert report["counts"] == {"quiet": 2, "unconfirmed": 1}


def test_a_worker_that_cannot_be_asked_again_is_not_called_quiet(trio: Trio) -> None:
    trio.early.answers = [Answer(20)]
    trio.late.answers = [Answer(3600), Answer(20)]

    def meanwhile() -> None:
        trio.early.refused = trio.seconds > 600

    report = trio.report(meanwhile)
    reasons = {one["instance"]: one["reason"] for one in report["problems"]}
    assert reasons == {trio.early.id: "it was quiet at 09:00 UTC, but that could not be checked again"}


def test_an_instance_that_was_stopped_and_started_is_asked_anew(trio: Trio) -> None:
    trio.late.answers = [Answer(110)]

    def meanwhile() -> None:
        if 30 <= trio.seconds < 60:
            trio.early.state = "stopped"
        elif trio.seconds >= 60 and trio.early.state == "stopped":
            trio.early.state, trio.early.launched_at = "running", trio.cloud.clock.now

    assert_found_at_work(trio, trio.report(meanwhile))


def test_a_worker_that_was_woken_long_ago_is_asked_again_since_somebody_may_have_quieted_it(
    trio: Trio,
) -> None:
    trio.early.answers = [Answer(20)]
    trio.late.answers = [Answer(3600), Answer(20)]
    assert trio.report(action=Action.WAKE)["counts"] == {"awake": 3}
    assert trio.early.received == 2


def test_a_status_is_not_asked_twice(trio: Trio) -> None:
    trio.early.answers = [Answer(20)]
    # By then what the early one has said would be stale.
    trio.late.answers = [Answer(400)]
    assert trio.report(action=Action.STATUS)["counts"] == {"reported": 3}
    assert trio.early.received == 1


@pytest.mark.parametrize("slowest", [130, 160, 290])
def test_one_slow_host_does_not_make_the_others_be_asked_for_ever(trio: Trio, slowest: int) -> None:
    trio.early.answers = [Answer(slowest)]
    report = trio.report()
    assert report["counts"] == {"quiet": 3}
    assert report["duration_seconds"] < 2 * slowest


def test_one_that_needs_longer_than_a_proof_is_fresh_is_named_after_a_few_rounds(trio: Trio) -> None:
    trio.early.answers = [Answer(400)]
    report = trio.report()
    assert trio.early.received <= 6
    assert report["duration_seconds"] < 4000
    assert set(report["counts"]) <= {"quiet", "unconfirmed"}


def test_when_sending_itself_takes_minutes_one_more_round_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = FakeCloud(("us-east-1",))
    region = cloud["us-east-1"]
    for one in region.add_environment("shop", "shop-workers", instances=7500):
        one.answers = [Answer(20)]
    send = region.send_command

    def one_a_second(**asked: Any) -> dict[str, Any]:
        cloud.clock.advance(1)
        return send(**asked)

    monkeypatch.setattr(region, "send_command", one_a_second)
    report = Story(cloud, request(regions=("us-east-1",), timeout_seconds=3600)).report()
    assert report["counts"] == {"quiet": 7500}
    assert len(region.commands) <= 2 * 150


def test_a_new_instance_whose_agent_is_there_before_its_application_is_asked_until_it_has_it(
    trio: Trio,
) -> None:
    trio.early.answers = [Answer(20)]
    trio.late.answers = [Answer(3600), Answer(20)]
    new: list[FakeInstance] = []

    def meanwhile() -> None:
        if not new and trio.seconds > 10:
            new.append(trio.home.add_instance("shop-workers", launched_at=trio.cloud.clock.now))
            new[0].answers = [NO_SIDEKIQ, NO_SIDEKIQ, Answer(20)]

    assert trio.report(meanwhile)["counts"] == {"quiet": 4}


@pytest.mark.parametrize("in_time", [True, False])
def test_also_in_a_short_run_and_if_it_gets_none_in_ten_minutes_it_has_none(
    trio: Trio, in_time: bool
) -> None:
    trio.early.launched_at = START - timedelta(seconds=30)
    trio.early.answers = [NO_SIDEKIQ, NO_SIDEKIQ, Answer(20)] if in_time else [NO_SIDEKIQ]
    report = trio.report()
    assert report["counts"] == ({"quiet": 3} if in_time else {"quiet": 2, "no_worker": 1})
    assert report["duration_seconds"] < 900


def test_slack_is_never_told_that_all_are_quiet_while_one_drains(trio: Trio) -> None:
    trio.early.answers = [Answer(20)]
    trio.late.answers = [Answer(3000), Answer(20)]
    told: list[tuple[float, int, int]] = []

    def meanwhile() -> None:
        if trio.seconds > 60:
            trio.early.state = "terminated"

    story = Story(trio.cloud, request(), lambda _turn: meanwhile())
    story.announced = lambda run: told.append((trio.seconds, run.progress.confirmed, run.progress.instances))
    story.end()
    assert told
    assert all(confirmed < instances for at, confirmed, instances in told if at < 3000)


def test_a_lost_command_whose_second_sending_was_throttled_is_not_forgotten(
    trio: Trio, monkeypatch: pytest.MonkeyPatch
) -> None:
    trio.early.answers = [Answer(120, "DeliveryTimedOut", -1), Answer(20)]
    trio.late.answers = [Answer(7000), Answer(20)]
    send, refused = trio.home.send_command, list[int]()

    def throttled_once(**asked: Any) -> dict[str, Any]:
        if asked["Comment"].endswith(" 2") and not refused:
            refused.append(1)
            raise client_error("ThrottlingException", "Rate exceeded", 400)
        return send(**asked)

    monkeypatch.setattr(trio.home, "send_command", throttled_once)
    trio.report()
    again = [one for one in trio.home.commands if trio.early.id in one.answers][1]
    assert refused
    assert (again.sent_at - START).total_seconds() < 400


def test_one_windows_instance_does_not_keep_the_others_from_being_reached(
    trio: Trio, monkeypatch: pytest.MonkeyPatch
) -> None:
    trio.early.answers = [Answer(20)]
    windows = trio.home.add_instance("shop-workers")
    send = trio.home.send_command

    def no_windows(**asked: Any) -> dict[str, Any]:
        if windows.id in asked["InstanceIds"]:
            raise client_error("UnsupportedPlatformType", "Cannot perform operation on Windows", 400)
        return send(**asked)

    monkeypatch.setattr(trio.home, "send_command", no_windows)
    report = trio.report()
    assert report["counts"] == {"quiet": 3, "unreachable": 1}
    assert "Windows" in report["cause"]


def test_those_that_ssm_refuses_by_name_are_left_out_without_trying_each(trio: Trio) -> None:
    trio.early.answers = [Answer(20)]
    refused = [trio.home.add_instance("shop-workers", refused=True) for _ in range(25)]
    report = trio.report()
    reasons = {one["instance"]: one["reason"] for one in report["problems"]}
    assert reasons.keys() == {one.id for one in refused}
    assert all("not in a valid state" in reason for reason in reasons.values())


def test_a_cancelling_that_is_refused_loses_no_report(trio: Trio, monkeypatch: pytest.MonkeyPatch) -> None:
    trio.early.answers = [Answer(20)]
    trio.late.answers = [Answer(10**9)]

    def refuse(**_asked: Any) -> dict[str, Any]:
        raise client_error("InvalidCommandId", "", 400)

    monkeypatch.setattr(trio.home, "cancel_command", refuse)
    assert trio.late.id in trio.report(timeout_seconds=600)["cause"]


def test_a_region_outside_the_plan_that_stays_dark_does_not_hold_the_run_for_hours(trio: Trio) -> None:
    trio.early.answers = [Answer(20)]
    regions = ("us-east-1", "eu-west-1", "ap-south-1")
    cloud = FakeCloud(regions, trio.cloud.clock)
    cloud.regions.update(trio.cloud.regions)

    def meanwhile(_turn: int) -> None:
        cloud["ap-south-1"].down = network_error()

    report = Story(cloud, request(regions=regions), meanwhile).report()
    assert report["duration_seconds"] < 600
    assert report["counts"] == {"quiet": 3}
    assert [one["region"] for one in report["problems"]] == ["ap-south-1"]


def test_instances_that_come_and_go_for_two_days_do_not_burst_the_state() -> None:
    names = tuple(
        f"us-east-{number}" for number in range(3)
    )  # a quarter of the regions that it has to hold for
    cloud = FakeCloud(names)
    for name in names:
        for one in cloud[name].add_environment("shop", "shop-workers", instances=2):
            one.answers = [Answer(170_000), Answer(20)]
    replaced_at = [START]

    def meanwhile(_turn: int) -> None:
        if cloud.clock.now - replaced_at[0] < timedelta(minutes=20):
            return
        replaced_at[0] = cloud.clock.now
        for region in cloud.regions.values():
            for one in region.instances.values():
                if one.launched_at > START:
                    one.state = "terminated"
            region.add_instance("shop-workers", launched_at=cloud.clock.now)

    story = Story(cloud, request(regions=names, timeout_seconds=172_800), meanwhile)
    assert story.report()["counts"]["quiet"] == 9
    assert story.largest_state * 4 < 262_144
    assert story.events < 25_000


def test_another_home_regions_execution_of_the_same_name_is_another_one(trio: Trio) -> None:
    plan = discover(request(), trio.cloud).plan  # type: ignore[arg-type]
    for home in ("us-east-1", "eu-west-1"):
        arn = f"arn:aws:states:{home}:1:execution:SnowWhite:deploy-7"
        run = Run.planned(Execution(arn, "deploy-7", trio.cloud.clock.now), request(), plan)
        dispatch(run, trio.cloud, trio.cloud.clock.now)  # type: ignore[arg-type]
    assert len(trio.home.commands) == 2


def test_after_a_scaling_in_a_poll_still_reads_only_a_few_commands() -> None:
    cloud = FakeCloud(("us-east-1",))
    region = cloud["us-east-1"]
    for number, one in enumerate(region.add_environment("shop", "shop-workers", instances=2000)):
        one.answers = [Answer(20 if number % 50 > 2 else 40_000)]

    def meanwhile(turn: int) -> None:
        if turn == 100:
            for number, one in enumerate(region.instances.values()):
                if number % 50 in (10, 11, 12, 13):
                    one.state = "terminated"
        if turn == 101:
            region.calls.clear()
        if turn == 111:
            raise StopIteration

    story = Story(cloud, request(regions=("us-east-1",), timeout_seconds=172_800), meanwhile)
    with pytest.raises(StopIteration):
        story.end()
    assert Outcome.FINISHED not in story.outcomes
    # Ten polls over 40 commands, which would be 400; now and then those who take long are looked for.
    assert region.calls.count("list_command_invocations") <= 150
