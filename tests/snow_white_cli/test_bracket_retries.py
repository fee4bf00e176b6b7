"""Starting the wake after a command, when AWS does not take it at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from snow_white_cli.bracket import Bracket
from snow_white_cli.exit_codes import CommandError
from snow_white_cli.follower import LOGIN_TIMEOUT_SECONDS
from snow_white_cli.signals import Signals
from tests.snow_white_cli.aws_server import FakeRuns
from tests.snow_white_cli.fake_step_functions import MACHINE, FakeAccess, FakeClock, refusal

REQUEST = {"action": "quiet", "application": "backups", "requested_by": "ann"}
UNREACHABLE = EndpointConnectionError(endpoint_url="https://states.us-east-1.amazonaws.com/")
LOST_ANSWER = ReadTimeoutError(endpoint_url="https://states.us-east-1.amazonaws.com/")
EXPIRED = refusal("ExpiredTokenException")


@dataclass
class FailingRuns(FakeRuns):
    """Step Functions, whose first answers to the start of an action are these errors."""

    failing: str = "wake"
    errors: list[Exception] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def start_execution(self, **given: Any) -> dict[str, Any]:
        if self.failing in given["name"]:
            self.names.append(given["name"])
            if self.errors:
                raise self.errors.pop(0)
        return super().start_execution(**given)


@dataclass
class Scenario:
    """`snow-white quiet backups -- COMMAND`, where starts of `failing` meet the errors."""

    errors: Sequence[Exception] = ()
    failing: str = "wake"
    quiet: str = "confirmed"
    wakes: Sequence[str] = ("confirmed",)
    renewable: bool = True
    clock: FakeClock = field(default_factory=FakeClock)

    def run(self, *command: str) -> int:
        self.runs = FailingRuns(
            {"quiet": [self.quiet], "wake": list(self.wakes)}, failing=self.failing, errors=[*self.errors]
        )
        self.access = FakeAccess(machine=MACHINE, fake=self.runs, renewable=self.renewable)
        with Signals() as signals:
            return Bracket(
                self.access,
                REQUEST,
                command,
                json_wanted=False,
                wake_if_failed=True,
                signals=signals,
                clock=self.clock.monotonic,
                sleep=self.clock.sleep,
            ).run()


@pytest.mark.parametrize("failing", ["quiet", "wake"])
def test_while_aws_cannot_be_reached_a_start_is_repeated_under_the_same_name(
    failing: str, capfd: pytest.CaptureFixture[str]
) -> None:
    scenario = Scenario([UNREACHABLE, LOST_ANSWER, UNREACHABLE], failing)
    assert scenario.run("true") == 0
    assert len(scenario.runs.names) == 4
    assert len(set(scenario.runs.names)) == 1
    assert capfd.readouterr().err.count("Trying again") == 1


def test_credentials_that_expired_during_a_long_deploy_are_read_again_before_the_wake() -> None:
    scenario = Scenario([EXPIRED, EXPIRED])
    assert scenario.run("true") == 0
    assert scenario.access.renewals == 2


def test_if_nobody_logs_in_again_they_are_not_woken_and_the_line_to_do_it_is_printed(
    capfd: pytest.CaptureFixture[str],
) -> None:
    scenario = Scenario([EXPIRED] * 1000)
    assert scenario.run("true") == 124
    assert LOGIN_TIMEOUT_SECONDS <= scenario.clock.monotonic() < LOGIN_TIMEOUT_SECONDS + 60
    assert "snow-white wake backups" in capfd.readouterr().err


def test_credentials_that_cannot_change_are_not_waited_for() -> None:
    scenario = Scenario([EXPIRED] * 1000, renewable=False)
    assert scenario.run("true") == 124
    assert scenario.clock.sleeps == []


def test_without_credentials_quiet_is_not_started_again_and_again() -> None:
    scenario = Scenario([EXPIRED], "quiet")
    with pytest.raises(CommandError, match="Nothing was started"):
        scenario.run("true")


def test_a_wake_that_the_own_quiet_still_seems_to_forbid_is_started_again() -> None:
    # ListExecutions lags: after a short command, or after a stop, it may still show the run that has ended.
    scenario = Scenario(wakes=["OppositeRunUnderWay", "confirmed"])
    assert scenario.run("true") == 0
    assert scenario.runs.actions == ["quiet", "wake", "wake"]


def test_a_wake_that_another_quiet_forbids_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeRuns, "_before", lambda _: "quiet-backups-of-ben")
    scenario = Scenario(wakes=["OppositeRunUnderWay"])
    assert scenario.run("true") == 124
    assert scenario.runs.actions == ["quiet", "wake"]


def test_workers_that_still_finish_their_jobs_are_woken_later() -> None:
    scenario = Scenario(wakes=["busy", "busy", "confirmed"])
    assert scenario.run("true") == 0
    assert scenario.clock.sleeps == [10, 20]


def test_workers_that_are_busy_for_longer_than_they_may_be_are_left_with_the_line_to_wake_them(
    capfd: pytest.CaptureFixture[str],
) -> None:
    scenario = Scenario(wakes=["busy"] * 100)
    assert scenario.run("true") == 124
    assert 7200 <= scenario.clock.monotonic() < 7200 + 600
    assert len(scenario.runs.actions) < 25
    assert "snow-white wake backups" in capfd.readouterr().err


def test_hosts_on_which_a_cancelled_quiet_still_ends_are_woken_a_little_later() -> None:
    scenario = Scenario(quiet="NotConfirmed", wakes=["NotConfirmed", "NotConfirmed", "confirmed"])
    assert scenario.run("true") == 125
    assert scenario.clock.sleeps == [10, 20]
    assert scenario.runs.actions == ["quiet", "wake", "wake", "wake"]


def test_hosts_that_cannot_be_woken_for_another_reason_are_not_tried_for_hours() -> None:
    scenario = Scenario(quiet="NotConfirmed", wakes=["NotConfirmed"] * 9)
    assert scenario.run("true") == 125
    assert scenario.clock.monotonic() <= 120
