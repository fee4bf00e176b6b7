"""Answers that cannot change any more are read once; all others each time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from snow_white.aws import ended_commands
from snow_white.aws.ended_commands import invocations_of
from snow_white.aws.run_command import Command, commands_since, send
from snow_white.model.action import Action
from tests.lambdas.fake_cloud import START, FakeCloud
from tests.lambdas.fake_hosts import Answer, says

REGION = "us-east-1"


class Fleet:
    """Three instances with one command each, or one for all; ten minutes have passed since."""

    def __init__(self, *answers: Answer, together: bool = True) -> None:
        self.cloud = FakeCloud((REGION,))
        for one in answers:
            self.cloud[REGION].add_instance().answers = [one]
        ids = list(self.cloud[REGION].instances)
        for some in [ids] if together else [[one] for one in ids]:
            send(self.cloud.ssm(REGION), Action.QUIET, some, execution_timeout=3600, comment="of a test")
        self.cloud.clock.advance(600)

    @property
    def commands(self) -> list[Command]:
        return commands_since(self.cloud.ssm(REGION), Action.QUIET, START - timedelta(minutes=5))

    def statuses(self) -> list[str]:
        return [one.status for each in self.commands for one in invocations_of(self.cloud, REGION, each)]  # type: ignore[arg-type]

    @property
    def reads(self) -> int:
        return self.cloud[REGION].calls.count("list_command_invocations")


CONFIRMED = Answer()
FAILED = Answer(20, "Failed", 2, says("busy", message="2 jobs"))


def test_a_command_that_all_agents_have_ended_is_read_once() -> None:
    fleet = Fleet(CONFIRMED, FAILED)
    first = fleet.statuses()
    assert sorted(first) == ["failed", "success"]
    reads = fleet.reads
    assert fleet.statuses() == first
    assert fleet.reads == reads


def test_a_command_that_goes_on_somewhere_is_read_again() -> None:
    fleet = Fleet(CONFIRMED, Answer(900))
    assert sorted(fleet.statuses()) == ["inprogress", "success"]
    fleet.cloud.clock.advance(600)
    assert fleet.statuses() == ["success", "success"]


@pytest.mark.parametrize("status", ["DeliveryTimedOut", "Undeliverable", "Cancelled", "ExecutionTimedOut"])
def test_an_end_that_the_service_has_set_is_read_again(status: str) -> None:
    fleet = Fleet(CONFIRMED, Answer(20, status, -1))
    assert "success" in fleet.statuses()
    (command,) = fleet.cloud[REGION].commands
    late = list(fleet.cloud[REGION].instances)[1]
    command.answers[late] = CONFIRMED
    assert fleet.statuses() == ["success", "success"]


@pytest.mark.parametrize("early", [Answer(20, output=""), Answer(20, "Failed", -1, "")])
def test_an_answer_that_comes_after_its_status_is_read_again(early: Answer) -> None:
    fleet = Fleet(CONFIRMED, early)
    assert len(fleet.statuses()) == 2
    (command,) = fleet.cloud[REGION].commands
    command.answers[list(fleet.cloud[REGION].instances)[1]] = FAILED
    (listed,) = fleet.commands
    assert all(one.output for one in invocations_of(fleet.cloud, REGION, listed))  # type: ignore[arg-type]


def test_a_command_with_a_missing_row_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet(CONFIRMED, CONFIRMED)
    listed = fleet.cloud[REGION].list_command_invocations

    def lagging(**request: object) -> dict[str, object]:
        page = listed(**request)
        return {**page, "CommandInvocations": page["CommandInvocations"][:1]}

    with monkeypatch.context() as patch:
        patch.setattr(fleet.cloud[REGION], "list_command_invocations", lagging)
        assert fleet.statuses() == ["success"]
    assert fleet.statuses() == ["success", "success"]


def test_what_is_kept_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ended_commands, "_MOST_KEPT", 2)
    fleet = Fleet(CONFIRMED, CONFIRMED, FAILED, together=False)
    for _ in range(3):
        assert sorted(fleet.statuses()) == ["failed", "success", "success"]
        assert sum(map(len, fleet.cloud.ended.values())) <= 2
