"""How whole runs end on the machine as synthesized: in the words of the error that was first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.soak.cloud.faults import ApiFault
from tests.soak.cloud.run_command import ACTIONS
from tests.soak.scenarios.invariants import violations
from tests.soak.scenarios.run import run
from tests.soak.scenarios.scenario import FOREVER, EnvironmentSpec, HostEvent, HostSpec, LambdaFault, Scenario

NOTHING_MATCHES = Scenario(
    seed=1,
    action="quiet",
    timeout_seconds=600,
    regions=("us-east-1",),
    healthy=False,
    environments=(EnvironmentSpec("us-east-1", "shop-web", "e-1"),),
    hosts=(HostSpec("i-1", "us-east-1", "e-1", "awake", (10.0,)),),
)
ALWAYS = 12  # attempts of a step


@pytest.mark.parametrize("kind", ["timed-out", "crash-after", "crash-before"])
def test_an_error_at_the_start_keeps_its_name_and_sentence_when_slack_s_step_fails_too(kind: str) -> None:
    faults = tuple(LambdaFault("NotifySlack", number, kind) for number in range(ALWAYS))
    ended = run(Scenario(**{**vars(NOTHING_MATCHES), "lambda_faults": faults}))
    assert (ended.execution.status, ended.execution.error) == ("FAILED", "NothingMatched")
    assert ended.execution.cause is not None
    assert ended.execution.cause.startswith("No environment of application 'shop' matches 'workers'")
    assert len(ended.slack.replies) == 1
    assert not violations(ended)


def test_an_error_of_lambda_itself_is_told_in_its_own_words() -> None:
    faults = tuple(
        LambdaFault(step, number, "timed-out")
        for step in ("DispatchCommand", "NotifySlack")
        for number in range(ALWAYS)
    )
    workers = EnvironmentSpec("us-east-1", "shop-workers", "e-1")
    ended = run(Scenario(**{**vars(NOTHING_MATCHES), "environments": (workers,), "lambda_faults": faults}))
    assert (ended.execution.status, ended.execution.error) == ("FAILED", "Sandbox.Timedout")
    assert ended.execution.cause == "Task timed out after 300.00 seconds"


def test_a_report_says_until_when_workers_sleep_also_if_slack_s_step_fails() -> None:
    faults = tuple(LambdaFault("NotifySlack", number, "crash-before") for number in range(ALWAYS))
    workers = EnvironmentSpec("us-east-1", "shop-workers", "e-1")
    scenario = replace(NOTHING_MATCHES, environments=(workers,), lambda_faults=faults, wake_after=3600)
    ended = run(scenario)
    assert ended.execution.status == "SUCCEEDED"
    assert ended.report is not None
    assert ended.report["lease"]["wakes_at"] == "2026-03-01T10:01:00+00:00"
    assert not violations(ended)


@pytest.mark.parametrize("lag", ["late", "stale"])
@pytest.mark.parametrize("action", ["quiet", "stop", "wake", "status"])
def test_lists_that_lag_behind_for_the_whole_run_only_delay_it(lag: str, action: str) -> None:
    """By 4 and by 45 seconds: ListCommands shows nothing of what was sent, and then nothing of its end."""
    scenario = Scenario(
        seed=1,
        action=action,
        timeout_seconds=600,
        regions=None,
        healthy=True,
        environments=(
            EnvironmentSpec("us-east-1", "shop-workers", "e-1"),
            EnvironmentSpec("eu-west-1", "shop-workers", "e-2"),
        ),
        hosts=(
            HostSpec("i-1", "us-east-1", "e-1", "awake", (10.0, 40.0)),
            HostSpec("i-2", "us-east-1", "e-1", "awake", (70.0,)),
            HostSpec("i-3", "eu-west-1", "e-2", "awake", (10.0,)),
        ),
        faults=tuple(
            ApiFault(lag, "*", operation, 0.0, FOREVER)
            for operation in ("ListCommands", "ListCommandInvocations")
        ),
    )
    ended = run(scenario)
    assert (ended.execution.status, ended.execution.cause) == ("SUCCEEDED", None)
    assert not violations(ended)
    sent = [command for _, command in ended.own_commands() if ACTIONS[command.document] == action]
    assert len(sent) == 2, "nothing is sent twice for it"


@pytest.mark.parametrize("kind", ["throttled", "refused", "reset"])
@pytest.mark.parametrize(("mine", "others"), [("quiet", "wake"), ("stop", "wake"), ("wake", "quiet")])
def test_an_opposite_run_is_found_when_a_region_did_not_answer_at_the_start(
    kind: str, mine: str, others: str
) -> None:
    workers = EnvironmentSpec("us-east-1", "shop-workers", "e-1")
    asked = {
        "action": mine,
        "environments": (workers,),
        "other_run": others,
        "faults": (ApiFault(kind, "us-east-1", "DescribeEnvironments", 0.0, 40.0),),
    }
    ended = run(Scenario(**{**vars(NOTHING_MATCHES), **asked}))
    assert (ended.execution.status, ended.execution.error) == ("FAILED", "OppositeRunUnderWay")
    assert "other" in (ended.execution.cause or "")
    assert not list(ended.own_commands())
    assert not violations(ended)


def one_host(action: str, *events: HostEvent) -> Scenario:
    """A run of one host with a job of a minute, which has to succeed whatever happens."""
    state = "quiet" if action == "wake" else "awake"
    return Scenario(
        seed=1,
        action=action,
        timeout_seconds=600,
        regions=("us-east-1",),
        healthy=True,
        environments=(EnvironmentSpec("us-east-1", "shop-workers", "e-1"),),
        hosts=(HostSpec("i-1", "us-east-1", "e-1", state, (60.0,)),),
        events=events,
    )


@pytest.mark.parametrize("kind", ["kill-script", "reboot", "reboot-unreported"])
@pytest.mark.parametrize("action", ["quiet", "stop", "wake"])
@pytest.mark.parametrize("seed", range(1, 5))
def test_a_script_that_is_killed_only_delays_the_run(kind: str, action: str, seed: int) -> None:
    ended = run(replace(one_host(action, HostEvent(8.0, "i-1", kind)), seed=seed))
    assert (ended.execution.status, ended.execution.cause) == ("SUCCEEDED", None)
    assert not violations(ended)


@pytest.mark.parametrize(("action", "others"), [("quiet", "wake"), ("stop", "wake"), ("wake", "quiet")])
def test_a_command_of_a_stopped_run_that_still_goes_on_is_waited_for(action: str, others: str) -> None:
    """It is cancelled some seconds after its run was stopped, when this one has already been started."""
    before = one_host(action, HostEvent(0.5, "i-1", f"foreign-{others}", 25.0))
    ended = run(
        replace(before, faults=(ApiFault("throttled", "us-east-1", "DescribeEnvironments", 0.0, 3.0),))
    )
    assert (ended.execution.status, ended.execution.cause) == ("SUCCEEDED", None)
    assert not violations(ended)
    assert len(list(ended.own_commands())) > 1


@pytest.mark.parametrize("launched_at", [30.0, 38.0, 46.0])
def test_a_new_instance_that_ec2_hides_for_a_moment_is_not_gone(launched_at: float) -> None:
    """EC2's answers lag for 45 seconds from when the instance was first shown: then it does not even know the id."""
    scenario = Scenario(
        **{
            **vars(one_host("quiet")),
            "hosts": (
                HostSpec("i-1", "us-east-1", "e-1", "awake", (45.0,)),
                HostSpec("i-9", "us-east-1", "e-1", "awake", (20.0,), launched_at=launched_at),
            ),
            "faults": (ApiFault("stale", "us-east-1", "DescribeInstances", launched_at + 12, 100.0),),
        }
    )
    ended = run(scenario)
    assert (ended.execution.status, ended.execution.cause) == ("SUCCEEDED", None)
    assert {one["instance"] for one in ended.functions.verdicts} == {"i-1", "i-9"}
    assert not violations(ended)
