"""A run for the termination of one instance: Auto Scaling waits for it, and is told when the instance may go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any, Final

import pytest
from botocore.exceptions import EndpointConnectionError

from snow_white.aws.environments import NothingMatched
from snow_white.model.action import Action
from snow_white.model.ended_run import EndedRun
from snow_white.model.fleet import ENVIRONMENT_NAME_TAG, GROUP_NAME_TAG
from snow_white.model.report import Report
from snow_white.model.request import Defaults, InvalidRequest, Limits, Request
from snow_white.model.run import Outcome, Run
from snow_white.model.serialisation import from_json, to_json
from snow_white.model.termination import Completion
from snow_white.steps.termination import let_go
from tests.lambdas.fake_cloud import FakeCloud, FakeLifecycleAction, client_error
from tests.lambdas.fake_hosts import Answer, FakeInstance, says
from tests.lambdas.story import Story

TOKEN: Final = "87654321-4321-4321-4321-210987654321"
GROUP: Final = "awseb-e-abcdefghij-stack-AWSEBAutoScalingGroup-1ABC"
REGION: Final = "eu-west-1"
DEFAULTS: Final = Defaults(("us-east-1", REGION), ("workers",))
HEARTBEAT: Final = 300
BUSY: Final = Answer(
    status="Failed", exit_code=2, output=says("busy", processes=[{"pid": 7, "state": "quieting", "busy": 2}])
)


@dataclass
class Termination:
    """One instance of an environment that Auto Scaling is about to end."""

    cloud: FakeCloud
    instance: FakeInstance
    action: FakeLifecycleAction

    @property
    def region(self) -> Any:
        return self.cloud[REGION]

    def asked(self, **changes: Any) -> dict[str, Any]:
        return {
            "action": "quiet",
            "tags": {ENVIRONMENT_NAME_TAG: ["backups-workers"]},
            "instances": [self.instance.id],
            "regions": [REGION],
            "timeout_seconds": 7_200,
            "termination": {
                "notice": "lifecycle_action",
                "lifecycle_action": {
                    "group": GROUP,
                    "hook": "SnowWhite",
                    "token": TOKEN,
                    "heartbeat_seconds": self.action.heartbeat_seconds,
                },
            },
            **changes,
        }

    def story(self, **more: Any) -> Story:
        return Story(self.cloud, Request.parse(self.asked(), DEFAULTS), **more)

    def let_go(self, run: Run) -> Completion:
        ended = from_json(to_json(run), EndedRun)
        regions: Any = self.cloud
        done = let_go(ended, regions)
        assert done is not None
        return done


@pytest.fixture
def leaving() -> Termination:
    """It is one of two in its environment."""
    cloud = FakeCloud()
    tags = {ENVIRONMENT_NAME_TAG: "backups-workers", GROUP_NAME_TAG: GROUP}
    instance, _ = (cloud[REGION].add_instance(tags=tags) for _ in range(2))
    action = FakeLifecycleAction(GROUP, "SnowWhite", instance.id, cloud.clock.now, HEARTBEAT)
    cloud[REGION].lifecycle_actions[TOKEN] = action
    return Termination(cloud, instance, action)


def report_of(run: Run) -> Report:
    assert run.report is not None
    return run.report


def test_only_that_instance_is_asked_and_it_may_go_when_it_is_quiet(leaving: Termination) -> None:
    run = leaving.story().end()
    assert [one.received for one in leaving.region.instances.values()] == [1, 0]
    assert (report_of(run).confirmed, report_of(run).counts) == (True, {"quiet": 1})
    assert report_of(run).fleet_name == f"backups-workers ({leaving.instance.id})"
    assert leaving.action.results == []
    assert leaving.let_go(run) == Completion(completed=True)
    assert leaving.action.results == ["CONTINUE"]


@pytest.mark.parametrize("heartbeat_seconds", [30, 300, 7_200])
def test_it_is_waited_for_as_long_as_its_jobs_take_whatever_the_hook_s_timeout(
    leaving: Termination, heartbeat_seconds: int
) -> None:
    leaving.action.heartbeat_seconds = heartbeat_seconds
    seconds = min(90 * heartbeat_seconds, 170_000)
    leaving.instance.answers = [Answer(after=seconds), Answer()]
    asked = leaving.asked(timeout_seconds=172_800)
    story = Story(leaving.cloud, Request.parse(asked, DEFAULTS))
    run = story.end(most_turns=20_000)
    assert report_of(run).confirmed
    assert leaving.let_go(run).completed
    assert story.events < 20_000, "of the 25,000 that an execution may have"


@pytest.mark.parametrize("heartbeat_seconds", [30, 60, 300])
def test_three_heartbeats_are_sent_in_a_timeout(leaving: Termination, heartbeat_seconds: int) -> None:
    leaving.action.heartbeat_seconds = heartbeat_seconds
    leaving.instance.answers = [Answer(after=10 * heartbeat_seconds), Answer()]
    leaving.story().end()
    beats = leaving.action.heartbeats
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(beats)]
    assert len(gaps) > 20
    assert heartbeat_seconds / 3 <= min(gaps) <= max(gaps) <= heartbeat_seconds / 3 + 2


# Calls a second and region. EC2 refills 20 of DescribeInstances; of the others it is a handful.
MOST_CALLS: Final = {
    "describe_instances": 20,
    "list_commands": 5,
    "describe_instance_information": 5,
    "lifecycle_action": 1,
    "send_command": 1,
}


def test_thirty_that_drain_at_once_stay_within_what_aws_refills(leaving: Termination) -> None:
    leaving.instance.answers = [Answer(after=1_800), Answer()]
    leaving.story().end()
    seconds = (leaving.cloud.clock.now - leaving.action.began_at).total_seconds()
    for call, most in MOST_CALLS.items():
        assert 30 * leaving.region.calls.count(call) / seconds < most, call


def test_nobody_is_shown_how_far_it_is(leaving: Termination) -> None:
    leaving.instance.answers = [Answer(after=600), Answer()]
    story = leaving.story()
    story.end()
    assert Outcome.PROGRESS not in story.outcomes


def test_an_instance_that_is_still_busy_when_time_is_over_goes_and_is_named(leaving: Termination) -> None:
    leaving.instance.answers = [replace(BUSY, after=7_000)]
    run = leaving.story().end()
    assert report_of(run).counts == {"busy": 1}
    assert leaving.let_go(run) == Completion(completed=True)


def test_an_instance_without_sidekiq_may_go_and_is_no_failure(leaving: Termination) -> None:
    leaving.instance.answers = [Answer(status="Failed", exit_code=3, output=says("no_worker"))]
    assert report_of(leaving.story().end()).confirmed


def test_an_agent_that_is_gone_holds_the_instance_up_for_minutes_only(leaving: Termination) -> None:
    leaving.instance.managed = False
    run = leaving.story().end()
    assert report_of(run).counts == {"unreachable": 1}
    assert leaving.cloud.clock.now - leaving.action.began_at < timedelta(minutes=15)
    assert leaving.let_go(run).completed


def test_an_instance_that_ends_before_it_is_quiet_is_not_confirmed(leaving: Termination) -> None:
    leaving.instance.answers = [Answer(after=7_000)]

    def dies(turn: int) -> None:
        if turn == 3:
            leaving.instance.state = "terminated"

    run = leaving.story(meanwhile=dies).end()
    assert (report_of(run).confirmed, report_of(run).counts) == (False, {"gone": 1})
    assert "1 gone since the start" in str(report_of(run).cause)


def test_an_instance_that_is_gone_before_the_run_begins_is_not_confirmed(leaving: Termination) -> None:
    leaving.instance.state = "terminated"
    with pytest.raises(NothingMatched, match=r"No instance|Not among"):
        leaving.story().end()


def test_a_hook_that_somebody_else_completes_is_said_and_changes_no_verdict(leaving: Termination) -> None:
    leaving.instance.answers = [Answer(after=1_000), Answer()]

    def somebody_completes(turn: int) -> None:
        if turn == 10:
            leaving.action.results.append("CONTINUE")

    run = leaving.story(meanwhile=somebody_completes).end()
    assert report_of(run).confirmed
    assert leaving.let_go(run) == Completion(
        over=True, failures=("Auto Scaling has no such lifecycle action any more.",)
    )
    assert leaving.action.results == ["CONTINUE"]


@pytest.mark.parametrize(
    "error",
    [
        client_error("AccessDenied", "not authorized", 403),
        client_error("Throttling", "Rate exceeded", 400),
        client_error("ResourceContention", "pending update", 500),
        EndpointConnectionError(endpoint_url="https://autoscaling.example"),
    ],
)
def test_auto_scaling_that_fails_is_said_and_changes_no_verdict(
    leaving: Termination, error: Exception
) -> None:
    leaving.region.auto_scaling_down = error
    run = leaving.story().end()
    assert report_of(run).confirmed
    done = leaving.let_go(run)
    assert done.instance_waits
    assert [one.split(":")[0] for one in done.failures] == [
        "Auto Scaling did not take the heartbeat",
        "Auto Scaling did not take the completion of the lifecycle action",
    ]


def test_a_heartbeat_that_failed_is_sent_again_at_the_next_poll(leaving: Termination) -> None:
    leaving.instance.answers = [Answer(after=600), Answer()]

    def throttles(turn: int) -> None:
        leaving.region.auto_scaling_down = (
            client_error("Throttling", "Rate exceeded", 400) if turn < 5 else None
        )

    run = leaving.story(meanwhile=throttles).end()
    assert run.heartbeats
    assert (run.heartbeats.failure, run.heartbeats.over) == ("", False)
    assert leaving.let_go(run) == Completion(completed=True)


@pytest.mark.parametrize(
    "change",
    [
        {"action": "stop"},
        {"instances": ["i-0123456789abcdef0", "i-0123456789abcdef1"]},
        {"instances": None},
        {"regions": None},
        {"termination": {"notice": "lifecycle_action"}},
        {"termination": {"notice": "weather"}},
        {"termination": True},
    ],
)
def test_nobody_else_can_write_a_termination(leaving: Termination, change: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="'termination' is for Snow White itself"):
        Request.parse({**leaving.asked(), **change}, DEFAULTS)


@pytest.mark.parametrize(
    "change", [{"hook": "LogCollector"}, {"token": "1"}, {"heartbeat_seconds": 5}, {"group": ""}]
)
def test_no_lifecycle_action_is_read_that_snow_white_has_not_written(
    leaving: Termination, change: dict[str, Any]
) -> None:
    asked = leaving.asked()
    asked["termination"]["lifecycle_action"].update(change)
    with pytest.raises(InvalidRequest, match="'termination' is for Snow White itself"):
        Request.parse(asked, DEFAULTS)


def test_without_a_termination_environments_are_still_selected_by_their_application_only(
    leaving: Termination,
) -> None:
    with pytest.raises(InvalidRequest, match="the setting worker_tags allows none"):
        Request.parse({**leaving.asked(), "termination": None}, DEFAULTS)


def test_a_group_outside_the_settings_stays_outside(leaving: Termination) -> None:
    defaults = replace(DEFAULTS, limits=Limits(worker_groups=("backups-*",)))
    asked = {**leaving.asked(), "tags": None, "auto_scaling_groups": ["web"]}
    with pytest.raises(InvalidRequest, match="'auto_scaling_groups' names 'web'"):
        Request.parse(asked, defaults)


def test_a_host_that_a_stop_of_the_fleet_keeps_busy_is_asked_until_it_is_free(leaving: Termination) -> None:
    taken = Answer(2, "Failed", 1, says("unconfirmed", message="A stop command is running", again=True))
    leaving.instance.answers = [taken] * 12 + [Answer()]
    run = leaving.story().end()
    assert report_of(run).confirmed
    assert leaving.instance.received == 13
    assert leaving.cloud.clock.now - leaving.action.began_at > timedelta(minutes=20)


def test_an_instance_that_another_run_wakes_meanwhile_is_not_confirmed(leaving: Termination) -> None:
    woken: list[str] = []

    def wakes(_turn: int) -> None:
        quieted = leaving.cloud.clock.now - leaving.action.began_at > timedelta(seconds=20)
        if quieted and not woken:
            wake = leaving.region.send_command(
                InstanceIds=[leaving.instance.id],
                DocumentName=Action.WAKE.document_name,
                Comment="SnowWhite wake-1 1",
                Parameters={"run": [""]},
            )
            woken.append(wake["Command"]["CommandId"])

    run = leaving.story(meanwhile=wakes).end()
    assert woken
    assert report_of(run).counts == {"unconfirmed": 1}
    assert "then wake was sent to it" in report_of(run).problems[0].reason
    assert leaving.let_go(run).completed
