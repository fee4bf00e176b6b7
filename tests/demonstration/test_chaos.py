"""The faults of the demo: repeatable, of all kinds, and none that ends a job or lasts for ever."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from rich.console import Console

from demonstration.chaos import Chaos, mix
from demonstration.scenario import DemoFailed, Scenario
from local_aws.faults.rules import CallFault
from snow_white_cli.runs import Ended

INSTANCES = [("us-east-1", "i-1"), ("us-east-1", "i-2"), ("eu-west-1", "i-3")]
CONFIRMED = Ended("SUCCEEDED", None, None, {})
NOT_CONFIRMED = Ended("FAILED", "NotConfirmed", "i-1 is busy.", {})


def test_a_seed_chooses_the_same_faults_again_and_other_ones_for_another_run() -> None:
    assert mix(1, "quiet", INSTANCES) == mix(1, "quiet", INSTANCES)
    assert mix(1, "quiet", INSTANCES) != mix(2, "quiet", INSTANCES)
    assert mix(1, "quiet", INSTANCES) != mix(1, "wake", INSTANCES)


def test_all_faults_end_by_themselves_and_spare_the_demos_own_calls() -> None:
    mixes = [mix(seed, "quiet", INSTANCES) for seed in range(200)]
    calls = [each for one in mixes for each in one.calls]
    assert all(each.for_seconds is not None and each.spares_root and each.chance <= 0.3 for each in calls)
    assert all(each.calls == 1 for one in mixes for each in one.functions)
    assert {each.answer for each in calls} >= {"throttled", "error", "reset", "html", "stale", "row_missing"}
    assert {each.after_effect for each in calls if each.action == "SendCommand"} == {True, False}


def test_it_says_what_goes_wrong() -> None:
    text = "\n".join(mix(3, "quiet", INSTANCES).sentences())
    for word in ("% of ", "once", "Slack: ", "is dead for 15 seconds", "is lost", "twice", "behind"):
        assert word in text


class Switches:
    """Stands for the faults of a local AWS: remembers what was turned on."""

    def __init__(self) -> None:
        self.on: list[str] = []

    def add(self, fault: Any) -> None:
        self.on.append(fault.answer if isinstance(fault, CallFault) else fault.failure)

    def happened(self) -> list[dict[str, str]]:
        return [{"service": "ssm", "action": "ListCommands"}] * 2 + [{"function": "PollCommand"}]

    def clear(self) -> None:
        self.on.clear()

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: self.on.append(name)


class FaultyAws:
    def __init__(self) -> None:
        self.faults = Switches()
        self.slack = Switches()


@pytest.fixture
def aws() -> FaultyAws:
    return FaultyAws()


def test_faults_are_on_during_an_act_only_and_counted(aws: FaultyAws) -> None:
    said: list[str] = []
    chaos = Chaos(aws, 1, said.append)  # type: ignore[arg-type]  # as much of it as is used
    chaos.begin("quiet", INSTANCES)
    assert {"throttle_like_aws", "lists", "agent_dies", "commands_lost", "commands_delivered_twice"} <= set(
        aws.faults.on
    )
    assert aws.slack.on == ["fail_next"]
    chaos.end()
    assert aws.faults.on == []
    assert said[-1] == "3 calls went wrong: 2 of ListCommands, 1 of PollCommand."
    assert chaos.happened.total() == 3


class Redis:
    url = "redis://127.0.0.1:1/0"


def scenario(chaos: Chaos | None) -> Scenario:
    return Scenario(None, Redis(), Console(quiet=True), chaos)  # type: ignore[arg-type]  # nothing else is used


def ends(*results: Ended) -> Iterator[Ended]:
    yield from results


def test_with_faults_a_run_that_is_not_confirmed_is_started_again(
    aws: FaultyAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demonstration.scenario._PAUSE_SECONDS", 0)
    with_faults = scenario(Chaos(aws, 1, print))  # type: ignore[arg-type]  # as much of it as is used
    runs = ends(NOT_CONFIRMED, NOT_CONFIRMED, CONFIRMED)
    assert with_faults._until_confirmed("quiet", lambda: next(runs)) is CONFIRMED
    with pytest.raises(DemoFailed, match="quiet ended FAILED: NotConfirmed: i-1 is busy"):
        with_faults._until_confirmed("quiet", lambda: NOT_CONFIRMED)


def test_without_faults_it_has_to_be_confirmed_at_once() -> None:
    runs = ends(NOT_CONFIRMED, CONFIRMED)
    with pytest.raises(DemoFailed):
        scenario(None)._until_confirmed("quiet", lambda: next(runs))
