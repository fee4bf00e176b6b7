"""docs/recipes.md: as much as can be checked without GitHub, GitLab, Jenkins, Terraform and AWS."""

from __future__ import annotations

import json
import os
import re
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import botocore.session
import pytest
import yaml
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as actions
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template as Synthesized
from aws_cdk.aws_stepfunctions import StateMachine
from botocore import xform_name

from infra.pipeline import PipelineActions
from infra.settings import Settings
from snow_white.model.action import Action
from snow_white.model.durations import parse_timeout
from snow_white.model.request import Defaults, Limits, Request
from tests.infra.commands import ROOT, code_blocks, shown_commands
from tests.infra.templates import Template, allowed, as_list, text
from tests.infra.unvalidated import unvalidated_app

PAGE: Final = (ROOT / "docs" / "recipes.md").read_text()
BLOCKS: Final = code_blocks(PAGE)
DEFAULTS: Final = Defaults(("us-east-1",), ("workers",))
SHEBANG: Final = "#!/usr/bin/env bash"
MACHINE: Final = "arn:aws:states:us-east-1:111122223333:stateMachine:SnowWhite"


def blocks(language: str) -> list[str]:
    return [block for one, block in BLOCKS if one == language]


def section(title: str) -> str:
    """The text below a heading, up to the next heading of the same level or a higher one."""
    (found,) = re.findall(
        rf"^(#+) {re.escape(title)}\n(.*?)(?=^#{{1,2}} |\Z)", PAGE, re.MULTILINE | re.DOTALL
    )
    return str(found[1])


def workflows() -> list[Any]:
    return [yaml.safe_load(block) for block in blocks("yaml")]


def values(tree: Any, key: str) -> Iterator[Any]:
    """Every value of a key, however deep."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            if name == key:
                yield value
            yield from values(value, key)
    elif isinstance(tree, list):
        for value in tree:
            yield from values(value, key)


def shell_lines_of_workflows() -> list[str]:
    lines = []
    for workflow in workflows():
        for key in ("run", "script", "before_script"):
            for value in values(workflow, key):
                lines += value if isinstance(value, list) else [value]
    return lines


def policies() -> list[Any]:
    return [policy for policy in map(json.loads, blocks("json")) if "Statement" in policy]


# What is shown has the form that its reader takes.


def test_every_block_of_yaml_and_json_can_be_read() -> None:
    assert len(workflows()) == 4
    assert len([json.loads(block) for block in blocks("json")]) == 10


def test_every_piece_of_shell_passes_shellcheck(tmp_path: Path) -> None:
    pieces = blocks("bash") + shell_lines_of_workflows()
    assert len(pieces) > 12
    for number, piece in enumerate(pieces):
        (tmp_path / f"{number}.sh").write_text(piece + "\n")
    result = subprocess.run(
        ["shellcheck", "--shell=bash", *sorted(tmp_path.iterdir())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (0, "")


def test_every_recipe_quiets_and_wakes_with_the_same_application() -> None:
    shown = [words[1:3] for words in shown_commands(PAGE) if words[0] == "snow-white"]
    assert {tuple(words) for words in shown} == {
        ("quiet", "backups"),
        ("wake", "backups"),
        ("quiet", "--asg"),
    }
    for title in ("GitHub Actions", "GitLab", "Jenkins, or any shell", "Terraform", "Platform updates"):
        found = [words for words in shown_commands(section(title)) if words[0] == "snow-white"]
        assert {"quiet", "wake"} == {words[1] for words in found} or all("--" in words for words in found), (
            title
        )
        assert found, title


def test_the_settings_for_groups_are_valid_and_allow_what_the_recipe_quiets() -> None:
    text = section("Auto Scaling groups of your own")
    (block,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    settings = Settings.from_mapping(
        {"home_region": "us-east-1", "regions": ["us-east-1"], **json.loads(block)}
    )
    (quiet,) = [words for words in shown_commands(text) if words[0] == "snow-white"]
    limits = Limits(settings.worker_groups, settings.worker_tags)
    asked = {"action": "quiet", "auto_scaling_groups": quiet[quiet.index("--asg") + 1]}
    assert Request.parse(asked, Defaults(("us-east-1",), ("workers",), limits)).fleet.name == "backups-*"


# GitHub and GitLab.


def test_the_hooks_are_those_that_snow_white_serves_and_the_settings_are_valid() -> None:
    text = section("Auto Scaling")
    (extension,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (resource,) = yaml.safe_load(textwrap.dedent(extension))["Resources"].values()
    stack = Stack(unvalidated_app())
    group = autoscaling.AutoScalingGroup.from_auto_scaling_group_name(stack, "Workers", "backups")
    (lines,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(lines, {"self": stack, "workers": group})  # noqa: S102
    (built,) = Synthesized.from_stack(stack).find_resources("AWS::AutoScaling::LifecycleHook").values()
    named = {"AutoScalingGroupName": {"Ref": "AWSEBAutoScalingGroup"}}
    assert resource == {"Type": built["Type"], "Properties": {**built["Properties"], **named}}
    (terraform,) = re.findall(r"```hcl\n(.*?)```", text, re.DOTALL)
    given = dict(re.findall(r'^ +(\w+) += "?([^"\n]+)"?$', terraform, re.MULTILINE))
    assert given == {
        "name": built["Properties"]["LifecycleHookName"],
        "autoscaling_group_name": "aws_autoscaling_group.workers.name",
        "lifecycle_transition": built["Properties"]["LifecycleTransition"],
        "heartbeat_timeout": str(built["Properties"]["HeartbeatTimeout"]),
        "default_result": built["Properties"]["DefaultResult"],
    }
    settings = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    assert len(settings) == 2
    for one in settings:
        given = {"home_region": "us-east-1", "regions": ["us-east-1"], **json.loads(one)}
        assert Settings.from_mapping(given).drain_on_termination


def test_github_s_job_may_fetch_a_token_and_wakes_whatever_happened() -> None:
    (workflow,) = [one for one in workflows() if "jobs" in one]
    assert workflow["permissions"]["id-token"] == "write"
    assert workflow["concurrency"]
    (job,) = workflow["jobs"].values()
    assert job["timeout-minutes"] <= 360
    (login,) = [step for step in job["steps"] if "configure-aws-credentials" in step.get("uses", "")]
    assert login["with"]["role-duration-seconds"] >= job["timeout-minutes"] * 60
    last = job["steps"][-1]
    assert (last["if"], last["run"].split()[1]) == ("always()", "wake")
    limits = re.findall(
        r"snow-white .* --timeout (\w+)|eb deploy .* --timeout (\d+)", json.dumps(job).replace('"', "\n")
    )
    minutes = [int(eb) if eb else (parse_timeout(run) or 0) / 60 for run, eb in limits]
    assert len(minutes) == 3
    assert sum(minutes) < job["timeout-minutes"]
    (trust,) = [one for one in policies() if "token.actions.githubusercontent.com" in json.dumps(one)]
    claims = trust["Statement"][0]["Condition"]["StringEquals"]
    assert claims["token.actions.githubusercontent.com:sub"].endswith(f":environment:{job['environment']}")


def test_gitlab_s_audience_is_the_one_that_the_role_trusts() -> None:
    (workflow,) = [one for one in workflows() if "stages" in one]
    (trust,) = [one for one in policies() if "gitlab.com:aud" in json.dumps(one)]
    claims = trust["Statement"][0]["Condition"]["StringEquals"]
    assert [token["aud"] for tokens in values(workflow, "id_tokens") for token in tokens.values()] == [
        claims["gitlab.com:aud"]
    ]
    assert workflow["wake"]["rules"][0]["when"] == "always"
    assert workflow["stages"] == [workflow["deploy"]["stage"], workflow["wake"]["stage"]]
    assert workflow["deploy"]["resource_group"] == workflow["wake"]["resource_group"]


# Policies.


def test_policies_allow_only_actions_that_exist() -> None:
    session = botocore.session.get_session()
    services = {"states": "stepfunctions"}
    for policy in policies():
        assert policy["Version"] == "2012-10-17"
        for statement in policy["Statement"]:
            for action in as_list(statement["Action"]):
                prefix, _, operation = action.partition(":")
                model = session.get_service_model(services.get(prefix, prefix))
                assert operation in model.operation_names, action


def test_what_starts_and_follows_a_run_is_part_of_the_invoke_policy(home: Template) -> None:
    invoke = {action for action, _, _ in allowed(home.only("AWS::IAM::ManagedPolicy"))}
    for policy in policies():
        granted = {action for one in policy["Statement"] for action in as_list(one["Action"])}
        assert granted <= invoke or granted == {"sts:AssumeRoleWithWebIdentity"}


def test_arns_name_what_the_stack_has(home: Template) -> None:
    name = home.only("AWS::StepFunctions::StateMachine")["StateMachineName"]
    arns = set(re.findall(r"arn:aws:(?:states|cloudformation):[\w:/*-]+", PAGE))
    assert arns == {
        f"arn:aws:states:us-east-1:111122223333:stateMachine:{name}",
        f"arn:aws:states:us-east-1:111122223333:execution:{name}:*",
        "arn:aws:cloudformation:us-east-1:111122223333:stack/SnowWhite/*",
    }


def test_outputs_that_are_named_are_outputs_of_the_stack(home: Template) -> None:
    named = set(re.findall(r"OutputKey=='(\w+)'|outputs\[\"(\w+)\"\]", PAGE))
    assert {a or b for a, b in named} == {"InvokePolicyArn"}
    assert "InvokePolicyArn" in home.content["Outputs"]


# The shell scripts run, with stand-ins for the programs that they call.


def shell_scripts() -> list[str]:
    found = [block for block in blocks("bash") if block.startswith(SHEBANG)]
    assert len(found) == 2
    return [block for block in found if "wake" in block]


EB: Final = 'echo "eb $1" >> calls; [[ $1 != "${FAILS:-}" ]] || exit 4'
AWS: Final = """
case $2 in
start-execution)
  [[ $* =~ \\"action\\":\\ \\"([a-z]+)\\" ]] || exit 9
  echo "snow-white ${BASH_REMATCH[1]}" >> calls
  echo "${BASH_REMATCH[1]}" ;;
describe-execution)
  [[ $* =~ --execution-arn\\ ([a-z]+)\\ --query\\ ([a-z]+) ]] || exit 9
  if [[ ${BASH_REMATCH[2]} == cause ]]; then echo "the cause"
  elif [[ ${BASH_REMATCH[1]} == "${FAILS:-}" ]]; then echo FAILED
  elif [[ -e polled ]]; then echo SUCCEEDED
  else touch polled; echo RUNNING; fi ;;
esac
"""


def run_script(folder: Path, script: str, fails: str) -> tuple[int, list[str], str]:
    """Exit code, calls and output of a script whose step `fails` fails."""
    programs = folder / "bin"
    programs.mkdir(parents=True)
    for name, body in (("eb", EB), ("aws", AWS), ("sleep", "true")):
        (programs / name).write_text(f"{SHEBANG}\n{body}\n")
        (programs / name).chmod(0o755)
    (folder / "script.sh").write_text(script)
    result = subprocess.run(
        ["bash", "script.sh"],
        cwd=folder,
        env={"PATH": f"{programs}:{os.environ['PATH']}", "FAILS": fails},
        capture_output=True,
        text=True,
        check=False,
    )
    return result.returncode, (folder / "calls").read_text().splitlines(), result.stdout


@pytest.mark.parametrize("fails", ["", "quiet", "deploy", "wake"])
def test_the_script_deploys_only_after_quiet_and_always_wakes(tmp_path: Path, fails: str) -> None:
    (script,) = shell_scripts()
    code, calls, output = run_script(tmp_path, script, fails)
    deployed = [] if fails == "quiet" else ["eb deploy"]
    assert calls == ["snow-white quiet", *deployed, "snow-white wake"]
    assert (code != 0) == bool(fails)
    assert output.count("the cause") == (fails in ("quiet", "wake"))


def test_inputs_of_executions_are_requests_that_snow_white_takes() -> None:
    inputs = [
        json.loads(found.replace("'\"$action\"'", "quiet"))
        for found in re.findall(r"--input '(.*?)' \\", PAGE)
    ]
    for block in map(json.loads, blocks("json")):
        inputs += [json.loads(one) for one in values(block, "Input")]
        inputs += [block] if "action" in block else []
    parsed = [Request.parse(one, DEFAULTS) for one in inputs]
    assert [request.action for request in parsed] == [Action.QUIET, Action.QUIET, Action.WAKE]
    assert {request.application for request in parsed} == {"backups"}


AWS_COMMAND: Final = re.compile(r"\baws ([a-z-]+) ([a-z][a-z-]+)((?: (?!\|)\S+)*)")
CLI_OPTIONS: Final = {"--region", "--query", "--output"}


def test_the_aws_cli_s_commands_and_options_exist() -> None:
    session = botocore.session.get_session()
    commands = [
        found.groups()
        for block in [*blocks("bash"), *shell_lines_of_workflows()]
        for found in AWS_COMMAND.finditer(re.sub(r"\s*\\\n\s*", " ", block))
    ]
    assert len(commands) >= 8
    for service, operation, rest in commands:
        model = session.get_service_model(service)
        words = rest.split()
        if operation == "wait":
            waiters = session.get_waiter_model(service)
            names = {
                xform_name(name, "-"): waiters.get_waiter(name).operation for name in waiters.waiter_names
            }
            name = names[words[0]]
        else:
            (name,) = [one for one in model.operation_names if xform_name(one, "-") == operation]
        shape = model.operation_model(name).input_shape
        assert shape
        known = {f"--{xform_name(member, '-')}" for member in shape.members}
        assert {word for word in words if word.startswith("--")} <= known | CLI_OPTIONS, (service, operation)


# CodePipeline.


@pytest.mark.synthesizes
def test_the_cdk_s_lines_build_a_pipeline() -> None:
    stack = Stack(unvalidated_app(), "Pipeline", env=Environment(account="111122223333", region="us-east-1"))
    version = codepipeline.Artifact("Version")
    bucket = s3.Bucket(stack, "Versions", versioned=True)
    source = actions.S3SourceAction(action_name="Version", bucket=bucket, bucket_key="v.zip", output=version)
    pipeline = codepipeline.Pipeline(
        stack,
        "Line",
        execution_mode=codepipeline.ExecutionMode.QUEUED,
        pipeline_type=codepipeline.PipelineType.V2,
        stages=[codepipeline.StageProps(stage_name="Source", actions=[source])],
    )
    deploy = actions.ElasticBeanstalkDeployAction(
        action_name="Deploy",
        application_name="backups",
        environment_name="backups-workers",
        input=version,
        run_order=2,
    )
    lines, _ = blocks("python")
    names = {"PipelineActions": PipelineActions, "StateMachine": StateMachine}
    exec(lines, {**names, "stack": stack, "pipeline": pipeline, "deploy": deploy})  # noqa: S102
    synthesized = Template(dict(Synthesized.from_stack(stack).to_json()))
    stage = synthesized.only("AWS::CodePipeline::Pipeline")["Stages"][-1]
    ordered = sorted(stage["Actions"], key=lambda action: int(action["RunOrder"]))
    assert [action["ActionTypeId"]["Provider"] for action in ordered] == [
        "StepFunctions",
        "ElasticBeanstalk",
        "StepFunctions",
    ]
    for action, expected in ((ordered[0], Action.QUIET), (ordered[2], Action.WAKE)):
        assert text(action["Configuration"]["StateMachineArn"]) == MACHINE
        assert Request.parse(json.loads(action["Configuration"]["Input"]), DEFAULTS).action is expected


def test_the_action_by_hand_has_the_values_that_the_cdk_writes() -> None:
    (by_hand,) = [block for block in map(json.loads, blocks("json")) if "actionTypeId" in block]
    built = PipelineActions(
        state_machine=StateMachine.from_state_machine_arn(Stack(App(), "Test"), "SnowWhite", MACHINE),
        pipeline="backups-deploy",
        application="backups",
    ).quiet()
    properties = built.action_properties
    assert by_hand["name"] == properties.action_name
    assert by_hand["actionTypeId"]["provider"] == properties.provider
    assert by_hand["actionTypeId"]["category"] == "Invoke"
    assert by_hand["configuration"]["StateMachineArn"] == MACHINE


def test_the_pipeline_s_policy_is_what_the_cdk_grants() -> None:
    (policy,) = [
        policy
        for policy in policies()
        if any("states:DescribeStateMachine" in one["Action"] for one in policy["Statement"])
    ]
    granted = {action for one in policy["Statement"] for action in as_list(one["Action"])}
    assert granted == {"states:StartExecution", "states:DescribeStateMachine", "states:DescribeExecution"}
