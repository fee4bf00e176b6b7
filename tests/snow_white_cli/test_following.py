"""A run is followed to its end, whatever happens on the way to AWS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, ReadTimeoutError

from snow_white_cli.ends import ExitCode, LostSight, WrongUsage
from snow_white_cli.following import LOGIN_PATIENCE_SECONDS, Follower
from snow_white_cli.runs import Ended
from tests.snow_white_cli.fake_machine import ARN, REPORT, FakeAccess, FakeClient, Paper, Time, refusal

UNREACHABLE = EndpointConnectionError(endpoint_url="https://states.us-east-1.amazonaws.com/")
LATE = ReadTimeoutError(endpoint_url="https://states.us-east-1.amazonaws.com/")
ENDED = ["SUCCEEDED", "SUCCEEDED"]


@dataclass
class Story:
    """One run that answers these answers."""

    answers: Sequence[Exception | str]
    renewable: bool = True
    paper: Paper = field(default_factory=Paper)
    time: Time = field(default_factory=Time)

    def follow(self) -> Ended:
        self.access = FakeAccess(fake=FakeClient(self.answers), renewable=self.renewable)
        time = self.time
        return Follower(self.access, ARN, self.paper, time.monotonic, time.sleep, time.now).until_end()


def test_it_shows_the_numbers_until_the_end_and_gives_the_report() -> None:
    story = Story(["RUNNING", "RUNNING", "RUNNING", *ENDED])
    ended = story.follow()
    assert (ended.status, ended.output) == ("SUCCEEDED", REPORT)
    assert [one.numbers("quiet") for one in story.paper.shown] == [
        "1 of 40 instances quiet",
        "2 of 40 instances quiet",
        "3 of 40 instances quiet",
    ]
    assert {one.limit() for one in story.paper.shown} == {"until 14:00 UTC"}
    assert story.paper.said == []


def test_it_looks_every_second_at_first_and_less_often_in_a_run_of_hours() -> None:
    story = Story(["RUNNING"] * 600 + ENDED)
    story.follow()
    assert story.time.waits[0] == 1.0
    assert story.time.waits == sorted(story.time.waits)
    assert story.time.waits[-1] == 15.0


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (UNREACHABLE, "AWS cannot be reached"),
        (LATE, "AWS cannot be reached"),
        (refusal("ThrottlingException"), "AWS is too busy to answer"),
        (refusal("InternalFailure", 500), "AWS is too busy to answer"),
        (refusal("ServiceUnavailable", 503), "AWS is too busy to answer"),
    ],
)
def test_trouble_on_the_way_is_waited_out_and_said_once(trouble: Exception, said: str) -> None:
    story = Story(["RUNNING", *[trouble] * 500, "RUNNING", *ENDED])
    assert story.follow().status == "SUCCEEDED"
    complaint, relief = story.paper.said
    assert complaint.startswith(said)
    assert "The run goes on" in complaint
    assert relief == "AWS answers again."
    assert max(story.time.waits) == 30.0


def test_each_time_of_trouble_is_said_again() -> None:
    story = Story([UNREACHABLE, "RUNNING", UNREACHABLE, *ENDED])
    story.follow()
    assert [one.partition(":")[0] for one in story.paper.said] == [
        "AWS cannot be reached",
        "AWS answers again.",
        "AWS cannot be reached",
        "AWS answers again.",
    ]


@pytest.mark.parametrize("expired", [refusal("ExpiredTokenException"), NoCredentialsError()])
def test_expired_credentials_are_read_anew_until_the_person_has_logged_in_again(expired: Exception) -> None:
    story = Story(["RUNNING", expired, expired, expired, "RUNNING", *ENDED])
    assert story.follow().status == "SUCCEEDED"
    assert story.access.renewals == 3
    assert "once you have logged in again" in story.paper.said[0]
    assert len(story.paper.said) == 2


def test_nobody_logs_in_again_so_the_run_is_lost_sight_of() -> None:
    story = Story(["RUNNING", *[refusal("ExpiredToken")] * 1000])
    with pytest.raises(LostSight, match="snow-white follow quiet-backups-1") as lost:
        story.follow()
    assert lost.value.exit_code == ExitCode.UNKNOWN
    assert LOGIN_PATIENCE_SECONDS < story.time.monotonic() < LOGIN_PATIENCE_SECONDS + 120


def test_credentials_that_cannot_change_are_not_waited_for() -> None:
    story = Story(["RUNNING", refusal("ExpiredToken")], renewable=False)
    with pytest.raises(LostSight, match="These AWS credentials do not work"):
        story.follow()


def test_who_may_not_look_is_told_that_the_run_goes_on() -> None:
    with pytest.raises(LostSight, match=r"AWS refuses this to you: .*The run goes on without being watched"):
        Story([refusal("AccessDeniedException")]).follow()


def test_a_run_that_does_not_exist_is_wrong_usage() -> None:
    with pytest.raises(WrongUsage, match="There is no run"):
        Story([refusal("ExecutionDoesNotExist")]).follow()


def test_credentials_that_cannot_even_be_read_are_waited_for_too() -> None:
    story = Story(["RUNNING", *ENDED])
    access = FakeAccess(fake=FakeClient(story.answers))
    failures = iter([NoCredentialsError(), NoCredentialsError()])

    class Unreadable(FakeAccess):
        def client(self, service: str) -> object:
            for failure in failures:
                raise failure
            return access.client(service)

    time = story.time
    follower = Follower(Unreadable(), ARN, story.paper, time.monotonic, time.sleep, time.now)
    assert follower.until_end().status == "SUCCEEDED"
    assert [one.partition(":")[0] for one in story.paper.said] == [
        "These AWS credentials do not work",
        "AWS answers again.",
    ]
