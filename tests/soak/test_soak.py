"""The whole run under random faults, with fixed seeds: ./scripts/soak runs any number of others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Final

import pytest

import snow_white.steps.poll
from snow_white.aws import run_command
from snow_white.judgement import assessment, verdict
from snow_white.model.action import Action
from snow_white.model.verdict import Verdict
from tests.soak.cloud.faults import CALL_FAULTS, ROW_FAULTS, ApiFault
from tests.soak.scenarios.definition import definition
from tests.soak.scenarios.examine import Examined, examine, tell
from tests.soak.scenarios.functions import FUNCTION_SECONDS
from tests.soak.scenarios.generate import LAMBDA_FAULTS, SLACK_FAULTS, generate
from tests.soak.scenarios.invariants import violations
from tests.soak.scenarios.run import run
from tests.soak.scenarios.scenario import FOREVER, EnvironmentSpec, HostEvent, HostSpec, Scenario
from tests.soak.scenarios.shrink import shrink

_SCENARIOS: Final = 2_000
_CHUNK: Final = 50  # of which one process runs one after the other
_GENERATED: Final = 2_000


def groups(examined: Examined) -> set[str]:
    return {one.group for one in examined.violations}


@pytest.mark.parametrize("first", range(1, _SCENARIOS, _CHUNK))
def test_no_invariant_is_broken(first: int) -> None:
    found: dict[str, list[int]] = {}
    for seed in range(first, first + _CHUNK):
        for group in groups(examine(seed)):
            found.setdefault(group, []).append(seed)
    stories = ["\n".join(tell(min(seeds), group, 10)) for group, seeds in found.items()]
    assert not found, f"{found}\n" + "\n\n".join(stories)


def some(**wanted: object) -> Iterator[Scenario]:
    """Scenarios with these values, without faults."""
    for seed in range(1, 10_000):
        scenario = generate(seed)
        if all(getattr(scenario, name) == value for name, value in wanted.items()):
            yield replace(scenario, faults=(), lambda_faults=(), slack_faults=(), deliveries=())


def broken(scenarios: Iterator[Scenario], count: int) -> Counter[str]:
    """The invariants that so many of the scenarios break, by name."""
    names: Counter[str] = Counter()
    for scenario, _ in zip(scenarios, range(count), strict=False):
        names.update({one.name for one in violations(run(scenario))})
    return names


def test_an_answer_that_is_believed_without_looking_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    believed = verdict.Judgement(Verdict.QUIET, "believed")
    monkeypatch.setattr("snow_white.judgement.assessment.judge", lambda *_, **__: believed)
    assert broken(some(action="quiet", healthy=False), 40)["confirmed untruly"]


def two_hosts(last_end: float) -> Scenario:
    """A quiet of two hosts without any fault; the job of the first one ends after 10 seconds."""
    return Scenario(
        seed=1,
        action="quiet",
        timeout_seconds=3600,
        regions=("us-east-1",),
        healthy=False,
        environments=(EnvironmentSpec("us-east-1", "shop-workers-a", "e-1"),),
        hosts=(
            HostSpec("i-1", "us-east-1", "e-1", "awake", (10.0,)),
            HostSpec("i-2", "us-east-1", "e-1", "awake", (last_end,)),
        ),
    )


def test_a_recheck_that_could_put_a_worker_to_sleep_after_the_run_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ends = range(225, 275, 3)
    own = run_command.commands_of
    assert not any(list(violations(run(two_hosts(end)))) for end in ends)
    monkeypatch.setattr("snow_white.steps.recheck.Action", SimpleNamespace(STATUS=Action.QUIET))
    monkeypatch.setattr(run_command, "RECHECK_DELIVERY_SECONDS", 600)
    # Nor is it waited for.
    monkeypatch.setattr(
        run_command,
        "commands_of",
        lambda *given: [one for one in own(*given) if not one.comment.endswith(" recheck")],
    )
    names = {one.name for end in ends for one in violations(run(two_hosts(end)))}
    assert {"recheck that acts", "recheck that lasts", "a command outlives the run"} <= names


def test_a_confirmation_that_never_ages_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    # The first host is quiet after a minute, and somebody restarts its workers before the second one is.
    scenario = replace(two_hosts(1000.0), events=(HostEvent(200.0, "i-1", "restart-workers"),))
    assert not violations(run(scenario))
    monkeypatch.setattr(
        snow_white.steps.poll, "expire_stale", lambda _run, assessments, _now: list(assessments)
    )
    monkeypatch.setattr("snow_white.steps.final_phase.renewable", lambda *_: set())
    # A recheck finds it, too.
    for step in ("poll", "dispatch"):
        monkeypatch.setattr(f"snow_white.steps.{step}.recheck_is_due", lambda *_: False)
    assert {one.name for one in violations(run(scenario))} == {"confirmed untruly"}


def test_an_instance_that_is_left_out_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    original = assessment.assess_all

    def without_the_first(*given: Any, **named: Any) -> Any:
        assessments, readings = original(*given, **named)
        return assessments[1:], readings

    monkeypatch.setattr(snow_white.steps.poll, "assess_all", without_the_first)
    assert broken((one for one in some(healthy=True) if len(one.hosts) > 2), 10)["no verdict"]


def test_a_region_that_refuses_and_is_left_out_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = Scenario(
        seed=1,
        action="quiet",
        timeout_seconds=900,
        regions=("us-east-1", "eu-west-1"),
        healthy=False,
        environments=(
            EnvironmentSpec("us-east-1", "shop-workers-a", "e-1"),
            EnvironmentSpec("eu-west-1", "shop-workers-b", "e-2"),
        ),
        hosts=(
            HostSpec("i-1", "us-east-1", "e-1", "awake", (10.0,)),
            HostSpec("i-2", "eu-west-1", "e-2", "awake", (10.0,)),
        ),
        faults=(ApiFault("refused", "eu-west-1", "*", 4.0, FOREVER),),
    )
    ended = run(scenario)
    assert not violations(ended)
    assert "eu-west-1" in (ended.execution.cause or "")
    monkeypatch.setattr(snow_white.steps.poll, "errors_of", lambda _found: {})
    assert "refused region not named" in {one.name for one in violations(run(scenario))}


def test_a_lease_that_is_told_and_not_made_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = next(one for one in some(healthy=True) if one.wake_after and not one.faults)
    assert not violations(run(scenario))
    monkeypatch.setattr("snow_white.aws.schedules.Schedules._create_or_replace", lambda *_: None)
    assert {one.name for one in violations(run(scenario))} == {"lease untrue"}


def test_an_earlier_lease_and_a_look_that_are_forgotten_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    of_interest = (one for one in some(action="quiet", healthy=True) if not one.wake_after and not one.faults)
    scenario = replace(next(of_interest), earlier_lease=True, lambda_faults=(), slack_faults=())
    assert not violations(run(scenario))
    monkeypatch.setattr("snow_white.aws.schedules.Schedules.withdraw", lambda *_: "")
    monkeypatch.setattr("runtime.reminders.Reminders.first", lambda *_: None)
    assert {one.name for one in violations(run(scenario))} == {"lease that nobody wanted", "no look"}


def test_a_healthy_fleet_that_fails_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict, "_confirms", lambda *_: False)
    assert broken(some(healthy=True), 5)["a fault that passes fails the run"] == 5


def test_half_of_the_scenarios_are_healthy_and_all_kinds_of_faults_are_among_them() -> None:
    scenarios = [generate(seed) for seed in range(1, _GENERATED + 1)]
    healthy = sum(one.healthy for one in scenarios)
    assert _GENERATED * 0.4 < healthy < _GENERATED * 0.6
    assert {one.action for one in scenarios} == {"quiet", "stop", "wake", "status"}
    assert max(one.timeout_seconds for one in scenarios) > 86_400
    assert min(one.timeout_seconds for one in scenarios) < 90
    assert any(one.wake_after for one in scenarios)
    assert any(one.earlier_lease for one in scenarios)
    assert any("Schedule" in fault.operation for one in scenarios for fault in one.faults)
    kinds = {fault.kind for one in scenarios for fault in one.faults}
    kinds |= {fault.kind for one in scenarios for fault in one.lambda_faults}
    kinds |= {fault.kind for one in scenarios for fault in one.slack_faults}
    assert kinds == {*CALL_FAULTS, *ROW_FAULTS, *LAMBDA_FAULTS, *SLACK_FAULTS}


def test_a_seed_replays_the_same_run() -> None:
    for seed in range(50, 60):
        first, second = examine(seed), examine(seed)
        assert first == second


def test_a_violation_is_told_as_a_short_story(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict, "_confirms", lambda *_: False)
    scenario = next(one for one in map(generate, range(1, 500)) if one.healthy and len(one.hosts) > 2)
    small = shrink(scenario, "a fault that passes fails the run (NotConfirmed)", seconds=600)
    assert len(small.hosts) == 1
    assert not small.faults
    assert not small.lambda_faults
    assert len(small.story()) <= 4


def test_the_functions_are_ended_when_lambda_would_end_them() -> None:
    assert definition().timeout_seconds == FUNCTION_SECONDS
