"""How whole runs end on the machine as synthesized: in the words of the error that was first."""

from __future__ import annotations

import pytest

from tests.soak.scenarios.invariants import violations
from tests.soak.scenarios.run import run
from tests.soak.scenarios.scenario import EnvironmentSpec, HostSpec, LambdaFault, Scenario

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
