"""A run is followed until it ends, also when AWS cannot be reached for a while."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, ReadTimeoutError

from snow_white.model.termination import execution_name
from snow_white_cli.exit_codes import ExitCode, RunStateUnknown, WrongUsage
from snow_white_cli.follower import LOGIN_TIMEOUT_SECONDS, Follower
from snow_white_cli.run_session import RunSession
from snow_white_cli.runs import Ended
from tests.snow_white_cli.fake_step_functions import (
    ARN,
    MACHINE,
    REPORT,
    FakeAccess,
    FakeClock,
    FakeStepFunctions,
    RecordingDisplay,
    refusal,
)

UNREACHABLE = EndpointConnectionError(endpoint_url="https://states.us-east-1.amazonaws.com/")
READ_TIMEOUT = ReadTimeoutError(endpoint_url="https://states.us-east-1.amazonaws.com/")
ENDED = ["SUCCEEDED", "SUCCEEDED"]


@dataclass
class Scenario:
    """Follows a run for which Step Functions gives these answers."""

    answers: Sequence[Exception | str]
    renewable: bool = True
    state: Mapping[str, Any] = field(default_factory=dict)
    display: RecordingDisplay = field(default_factory=RecordingDisplay)
    clock: FakeClock = field(default_factory=FakeClock)

    def follow(self) -> Ended:
        self.access = FakeAccess(fake=FakeStepFunctions(self.answers, self.state), renewable=self.renewable)
        clock = self.clock
        return Follower(self.access, ARN, self.display, clock.monotonic, clock.sleep, clock.now).until_end()


def test_the_progress_is_shown_until_the_end_and_the_report_returned() -> None:
    scenario = Scenario(["RUNNING", "RUNNING", "RUNNING", *ENDED])
    ended = scenario.follow()
    assert (ended.status, ended.output) == ("SUCCEEDED", REPORT)
    assert [one.numbers("quiet") for one in scenario.display.shown] == [
        "1 of 40 instances quiet",
        "2 of 40 instances quiet",
        "3 of 40 instances quiet",
    ]
    assert {one.deadline_text() for one in scenario.display.shown} == {"until 14:00 UTC"}
    assert scenario.display.messages == []


@pytest.mark.parametrize(
    ("lease", "said"),
    [
        (
            {"wakes_at": "2026-03-01T13:30:00+00:00"},
            "They will be woken at 2026-03-01 13:30 UTC if nobody does it before.",
        ),
        ({"failure": "Access\x1b[2J denied."}, "Nothing will wake them: Access\\x1b[2J denied."),
    ],
)
def test_when_the_workers_will_be_woken_is_said_once_as_soon_as_it_is_known(
    lease: Mapping[str, str], said: str
) -> None:
    scenario = Scenario(["RUNNING", "RUNNING", "RUNNING", *ENDED], state={"lease": lease})
    scenario.follow()
    assert scenario.display.messages == [said]


def test_it_polls_every_second_at_first_and_less_often_in_a_long_run() -> None:
    scenario = Scenario(["RUNNING"] * 600 + ENDED)
    scenario.follow()
    assert scenario.clock.sleeps[0] == 1.0
    assert scenario.clock.sleeps == sorted(scenario.clock.sleeps)
    assert scenario.clock.sleeps[-1] == 15.0


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (UNREACHABLE, "AWS cannot be reached"),
        (READ_TIMEOUT, "AWS cannot be reached"),
        (refusal("ThrottlingException"), "AWS is throttling or has an internal error"),
        (refusal("InternalFailure", 500), "AWS is throttling or has an internal error"),
        (refusal("ServiceUnavailable", 503), "AWS is throttling or has an internal error"),
    ],
)
def test_a_transient_error_is_retried_and_reported_once(error: Exception, message: str) -> None:
    scenario = Scenario(["RUNNING", *[error] * 500, "RUNNING", *ENDED])
    assert scenario.follow().status == "SUCCEEDED"
    failure, recovery = scenario.display.messages
    assert failure.startswith(message)
    assert "The run goes on" in failure
    assert recovery == "AWS answers again."
    assert max(scenario.clock.sleeps) == 30.0


def test_an_error_that_comes_back_is_reported_again() -> None:
    scenario = Scenario([UNREACHABLE, "RUNNING", UNREACHABLE, *ENDED])
    scenario.follow()
    assert [one.partition(":")[0] for one in scenario.display.messages] == [
        "AWS cannot be reached",
        "AWS answers again.",
        "AWS cannot be reached",
        "AWS answers again.",
    ]


@pytest.mark.parametrize("expired", [refusal("ExpiredTokenException"), NoCredentialsError()])
def test_expired_credentials_are_read_again_until_the_user_has_logged_in(expired: Exception) -> None:
    scenario = Scenario(["RUNNING", expired, expired, expired, "RUNNING", *ENDED])
    assert scenario.follow().status == "SUCCEEDED"
    assert scenario.access.renewals == 3
    assert "Log in again" in scenario.display.messages[0]
    assert len(scenario.display.messages) == 2


def test_if_the_user_does_not_log_in_the_run_s_state_is_unknown() -> None:
    scenario = Scenario(["RUNNING", *[refusal("ExpiredToken")] * 1000])
    with pytest.raises(RunStateUnknown, match="snow-white follow quiet-backups-1") as lost:
        scenario.follow()
    assert lost.value.exit_code == ExitCode.UNKNOWN
    assert LOGIN_TIMEOUT_SECONDS < scenario.clock.monotonic() < LOGIN_TIMEOUT_SECONDS + 120


def test_credentials_that_cannot_change_are_not_read_again() -> None:
    scenario = Scenario(["RUNNING", refusal("ExpiredToken")], renewable=False)
    with pytest.raises(RunStateUnknown, match="The AWS credentials do not work"):
        scenario.follow()


def test_without_access_the_user_is_told_that_the_run_goes_on() -> None:
    with pytest.raises(RunStateUnknown, match=r"AWS denied access: .*The run goes on in AWS"):
        Scenario([refusal("AccessDeniedException")]).follow()


def test_a_run_that_does_not_exist_is_wrong_usage() -> None:
    with pytest.raises(WrongUsage, match="There is no run"):
        Scenario([refusal("ExecutionDoesNotExist")]).follow()


def test_credentials_that_cannot_be_read_are_read_again() -> None:
    scenario = Scenario(["RUNNING", *ENDED])
    access = FakeAccess(fake=FakeStepFunctions(scenario.answers))
    failures = iter([NoCredentialsError(), NoCredentialsError()])

    class Unreadable(FakeAccess):
        def client(self, service: str) -> object:
            for failure in failures:
                raise failure
            return access.client(service)

    clock = scenario.clock
    follower = Follower(Unreadable(), ARN, scenario.display, clock.monotonic, clock.sleep, clock.now)
    assert follower.until_end().status == "SUCCEEDED"
    assert [one.partition(":")[0] for one in scenario.display.messages] == [
        "The AWS credentials do not work",
        "AWS answers again.",
    ]


def test_the_newest_run_is_one_that_somebody_has_started_and_not_one_for_an_instance_that_ends() -> None:
    drains = [execution_name("i-0123456789abcdef0", str(UUID(int=number))) for number in range(30)]
    fake = FakeStepFunctions(["RUNNING"], names=[*drains, "quiet-backups-1", "wake-backups-1"])
    session = RunSession.find_newest(FakeAccess(machine=MACHINE, fake=fake), json_wanted=False)
    assert session.name == "quiet-backups-1"
    with pytest.raises(WrongUsage, match="There are no runs yet"):
        RunSession.find_newest(
            FakeAccess(machine=MACHINE, fake=FakeStepFunctions([], names=drains)), json_wanted=False
        )
