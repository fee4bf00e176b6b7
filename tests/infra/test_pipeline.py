"""Snow White in a customer's pipeline."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Aws, Stack
from aws_cdk import aws_stepfunctions as sfn

from infra.checks import require_clean_report
from infra.pipeline import InvalidPipelineAction, PipelineActions, execution_name_prefix
from snow_white.model.action import Action
from snow_white.model.request import Defaults, Limits, Request
from tests.infra.assemblies import synthesized
from tests.infra.example_pipeline import MACHINE, NAME
from tests.infra.templates import Json, Template, allowed, text
from tests.infra.test_checks import CFN_LINT

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder() -> Path:
    """The example, synthesized by a process of its own."""
    return synthesized({}, program="tests/infra/example_pipeline.py")


@pytest.fixture(scope="module")
def template(folder: Path) -> Template:
    return Template(json.loads((folder / "ExamplePipeline.template.json").read_text()))


@pytest.fixture(scope="module")
def deploy_stage(template: Template) -> list[Json]:
    """The actions of the example's last stage, in the order in which they run."""
    _, stage = template.only("AWS::CodePipeline::Pipeline")["Stages"]
    return sorted(stage["Actions"], key=lambda action: int(action["RunOrder"]))


def workers(**given: Any) -> PipelineActions:
    machine = sfn.StateMachine.from_state_machine_arn(Stack(App(), "Test"), "SnowWhite", MACHINE)
    return PipelineActions(**{"state_machine": machine, "pipeline": NAME, "application": "backups", **given})


@pytest.mark.synthesizes
def test_workers_are_quiet_before_the_deploy_and_woken_after_it(deploy_stage: list[Json]) -> None:
    assert [(action["Name"], action["ActionTypeId"]["Provider"]) for action in deploy_stage] == [
        ("QuietWorkers", "StepFunctions"),
        ("DeployVersion", "ElasticBeanstalk"),
        ("WakeWorkers", "StepFunctions"),
    ]
    orders = [action["RunOrder"] for action in deploy_stage]
    assert orders == sorted(set(orders)), "each waits for the one before, which a failed one never lets begin"


@pytest.mark.synthesizes
def test_the_actions_start_snow_white_with_a_request_that_it_takes(deploy_stage: list[Json]) -> None:
    for action, expected in ((deploy_stage[0], Action.QUIET), (deploy_stage[2], Action.WAKE)):
        configuration = action["Configuration"]
        assert configuration["StateMachineArn"] == MACHINE
        assert configuration["InputType"] == "Literal"
        request = Request.parse(json.loads(configuration["Input"]), Defaults(("us-east-1",), ("other",)))
        assert (request.action, request.application) == (expected, "backups")
        assert (request.environments, request.timeout_seconds) == (("workers",), 86_400)
        assert request.requested_by == f"pipeline {NAME} (execution #{{codepipeline.PipelineExecutionId}})"


@pytest.mark.synthesizes
def test_each_action_s_role_may_start_and_watch_such_runs_and_nothing_else(
    template: Template, deploy_stage: list[Json]
) -> None:
    runs = MACHINE.replace(":stateMachine:", ":execution:")
    for action, prefix in ((deploy_stage[0], "quiet-backups"), (deploy_stage[2], "wake-backups")):
        assert action["Configuration"]["ExecutionNamePrefix"] == prefix
        role = text(action["RoleArn"]).removeprefix("<").removesuffix(".Arn>")
        (policy,) = [
            policy
            for policy in template.resources("AWS::IAM::Policy").values()
            if [text(one) for one in policy["Roles"]] == [f"<{role}>"]
        ]
        assert allowed(policy) == {
            ("states:StartExecution", MACHINE, ""),
            ("states:DescribeStateMachine", MACHINE, ""),
            ("states:DescribeExecution", f"{runs}:{prefix}*", ""),
        }


@pytest.mark.synthesizes
def test_an_end_without_wake_starts_what_may_look_at_this_pipeline_and_start_and_stop_such_runs(
    template: Template,
) -> None:
    rule = template.only("AWS::Events::Rule")
    assert rule["EventPattern"] == {
        "source": ["aws.codepipeline"],
        "detail-type": ["CodePipeline Pipeline Execution State Change"],
        "detail": {"pipeline": [NAME], "state": ["FAILED", "STOPPED", "CANCELED"]},
    }
    machine = template.only("AWS::StepFunctions::StateMachine")
    role = text(machine["RoleArn"]).removeprefix("<").removesuffix(".Arn>")
    (policy,) = [
        policy
        for policy in template.resources("AWS::IAM::Policy").values()
        if [text(one) for one in policy["Roles"]] == [f"<{role}>"]
    ]
    runs = MACHINE.replace(":stateMachine:", ":execution:")
    assert allowed(policy) == {
        (
            "codepipeline:ListActionExecutions",
            f"arn:aws:codepipeline:us-east-1:111122223333:{NAME}",
            "",
        ),
        ("states:StartExecution", MACHINE, ""),
        ("states:StopExecution", f"{runs}:quiet-backups*", ""),
        ("states:StopExecution", f"{runs}:stop-backups*", ""),
    }


@pytest.mark.synthesizes
def test_the_example_passes_the_checks(folder: Path) -> None:
    require_clean_report(folder)
    result = subprocess.run(
        [CFN_LINT, "--ignore-checks", "W3005", "--template", "ExamplePipeline.template.json"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (0, "")


def test_what_is_not_said_is_left_to_the_settings() -> None:
    assert json.loads(workers().execution_input("quiet")).keys() == {"action", "application", "requested_by"}


@pytest.mark.parametrize(
    ("selected", "prefix"),
    [
        ({"auto_scaling_groups": ("backups-*",)}, "quiet-backups"),
        (
            {"tags": {"Role": ("worker",), "Stage": ("blue", "green")}},
            "quiet-Role-worker-Stage-blue-Stage-green",
        ),
    ],
)
def test_groups_or_tags_may_be_given_in_place_of_an_application(
    selected: dict[str, Any], prefix: str
) -> None:
    sent = json.loads(workers(application="", **selected).execution_input("quiet"))
    assert sent.keys() == {"action", "requested_by", *selected}
    limits = Limits(("*",), {"Role": ("*",)})
    request = Request.parse(sent, Defaults(("us-east-1",), ("other",), limits))
    assert (request.auto_scaling_groups, request.tags) == (
        selected.get("auto_scaling_groups", ()),
        selected.get("tags", {}),
    )
    assert execution_name_prefix("quiet", request.fleet.name) == prefix


@pytest.mark.parametrize("selected", [{"application": ""}, {"auto_scaling_groups": ("mail",)}])
def test_an_action_without_a_fleet_or_with_two_is_refused(selected: dict[str, Any]) -> None:
    with pytest.raises(
        InvalidPipelineAction, match="One of 'application', 'auto_scaling_groups' and 'tags' must"
    ):
        workers(**selected)


@pytest.mark.parametrize("directly", [True, False])
def test_whether_the_person_is_told_directly_can_be_said(directly: bool) -> None:
    sent = json.loads(workers(slack_user="U0ANN", direct_message=directly).execution_input("quiet"))
    assert sent["direct_message"] is directly
    assert Request.parse(sent, Defaults(("us-east-1",), ("other",))).direct_message is directly


def test_an_input_that_codepipeline_does_not_take_is_refused_with_the_way_out() -> None:
    room = 1_000 - len(workers(environments=("",)).execution_input("quiet")) - 1
    fitting = workers(environments=("e" * room,)).execution_input("quiet")
    assert 990 <= len(fitting) <= 1_000
    with pytest.raises(
        InvalidPipelineAction, match=r"has 1,001 characters, but CodePipeline accepts 1,000\. Name"
    ):
        workers(environments=("e" * (room + 1),)).quiet()


def test_what_is_only_known_at_deploy_time_is_refused() -> None:
    with pytest.raises(InvalidPipelineAction, match="must be plain text"):
        workers(application=Aws.STACK_NAME).wake()


@pytest.mark.parametrize("seconds", [59, 172_801])
def test_a_time_limit_that_the_run_would_refuse_is_refused_here(seconds: int) -> None:
    with pytest.raises(
        InvalidPipelineAction, match=f"'timeout_seconds' is {seconds}, but must be 60 to 172800"
    ):
        workers(timeout_seconds=seconds).stop()


@pytest.mark.parametrize(
    ("application", "prefix"),
    [
        ("backups", "quiet-backups"),
        ("My backups (new)", "quiet-My-backups-new"),
        ("a" * 100, "quiet-" + "a" * 37),
        ("Sicherungen übers Netz", "quiet-Sicherungen-bers-Netz"),
    ],
)
def test_the_prefix_of_the_runs_names_has_at_most_43_characters_of_those_allowed(
    application: str, prefix: str
) -> None:
    assert execution_name_prefix("quiet", application) == prefix
    assert len(prefix) <= 43
