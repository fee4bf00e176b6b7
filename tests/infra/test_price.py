"""The README's prices: what whole runs cost at list prices, counted on the simulated AWS."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from tests.infra.templates import Template
from tests.soak.scenarios.definition import definition
from tests.soak.scenarios.run import run
from tests.soak.scenarios.scenario import EnvironmentSpec, HostSpec, Scenario

README: Final = (Path(__file__).parents[2] / "README.md").read_text()

# US dollars in us-east-1, of the pricing pages of Step Functions, Lambda, CloudWatch and Secrets Manager.
TRANSITION: Final = 0.000025
GB_SECOND: Final = 0.0000133334  # Lambda on ARM
INVOCATION: Final = 0.0000002
LOGGED_BYTE: Final = 0.50 / 1e9
METRIC_HOUR: Final = 0.30 / 730
SECRET_MONTH: Final = 0.40
ALARM_MONTH: Final = 0.10

# What the simulation does not know, on the high side.
FUNCTION_SECONDS: Final = 1.0  # of an invocation that does not wait
EVENT_BYTES: Final = 500  # a history event in the log, without data
METRICS: Final = 6  # that a confirmed run writes once


def function_of(state: str) -> str | None:
    """The function that a state invokes; None for a state that invokes none."""
    defined = definition()
    arguments = defined.states["States"][state]
    given = arguments.get("Parameters") or arguments.get("Arguments")
    return defined.functions[given["FunctionName"]] if arguments["Type"] == "Task" else None


def price(home: Template, action: str, seconds: float) -> float:
    """Of a run on ten instances, of which one works on a job for so long."""
    workers = "awake" if action == "quiet" else "quiet"
    lengths = [seconds] + [5.0] * 9
    ended = run(
        Scenario(
            seed=1,
            action=action,
            timeout_seconds=172_800,
            regions=("us-east-1",),
            healthy=True,
            environments=(EnvironmentSpec("us-east-1", "shop-workers", "e-1"),),
            hosts=tuple(
                HostSpec(f"i-{number}", "us-east-1", "e-1", workers, (length,))
                for number, length in enumerate(lengths)
            ),
        )
    )
    assert ended.execution.status == "SUCCEEDED"
    entered = [*ended.execution.steps, ("", ended.execution.ended_at or 0.0)]
    invoked = [
        (name, left - at) for (state, at), (_, left) in pairwise(entered) if (name := function_of(state))
    ]
    invoked.append(("close_run", FUNCTION_SECONDS))
    gigabyte_seconds = sum(
        int(home.function(name)["MemorySize"]) / 1024 * max(seconds, FUNCTION_SECONDS)
        for name, seconds in invoked
    )
    return (
        len(entered) * TRANSITION
        + len(invoked) * INVOCATION
        + gigabyte_seconds * GB_SECOND
        + ended.execution.events * EVENT_BYTES * LOGGED_BYTE
        + METRICS * METRIC_HOUR
    )


def said(row: str) -> float:
    """The dollars in the row of the README's table that begins so."""
    (found,) = re.findall(rf"^\| {re.escape(row)} \| \$([0-9.]+)", README, re.MULTILINE)
    return float(found)


@pytest.mark.parametrize(
    ("row", "seconds"),
    [
        ("a deploy with jobs of 10 minutes", 600),
        ("of 2 hours", 7_200),
        ("of 2 days", 172_000),
    ],
)
def test_a_deploy_costs_what_the_readme_says(home: Template, row: str, seconds: int) -> None:
    cost = price(home, "quiet", seconds) + price(home, "wake", 5.0)
    assert said(row) * 0.7 <= cost <= said(row)


def test_an_idle_deployment_costs_what_the_readme_says(home: Template) -> None:
    secrets = len(home.resources("AWS::SecretsManager::Secret"))
    alarms = len(home.resources("AWS::CloudWatch::Alarm"))
    assert said("idle, a month") == pytest.approx(secrets * SECRET_MONTH + alarms * ALARM_MONTH)


def test_nothing_else_that_is_deployed_costs_by_the_hour(home: Template) -> None:
    free_while_idle = {
        "AWS::CloudWatch::Dashboard",  # three in an account are free
        "AWS::DynamoDB::Table",
        "AWS::Events::Rule",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Role",
        "AWS::Lambda::Function",
        "AWS::Lambda::Permission",
        "AWS::Logs::LogGroup",
        "AWS::Scheduler::ScheduleGroup",  # 14 million starts a month are free
        "AWS::StepFunctions::StateMachine",
    }
    kinds = {resource["Type"] for resource in home.content["Resources"].values()}
    assert kinds - free_while_idle == {"AWS::SecretsManager::Secret", "AWS::CloudWatch::Alarm"}
    assert home.only("AWS::DynamoDB::Table")["BillingMode"] == "PAY_PER_REQUEST"
