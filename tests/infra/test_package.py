"""The packaged template: no CDK bootstrap, parameters in place of settings, and no wider permissions for it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from infra.package import TEMPLATE, write_package
from infra.settings import Settings
from snow_white.version import VERSION
from tests.infra.conftest import REGIONS
from tests.infra.templates import Template, allowed, as_list, text

ROOT = Path(__file__).parents[2]
MOST_BYTES = 1_000_000  # of a template in S3

pytestmark = pytest.mark.synthesizes


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = Settings.from_mapping(
        {"home_region": REGIONS[0], "regions": REGIONS, "slack_channel": "C0DEPLOYS"}
    )
    package = tmp_path_factory.mktemp("package")
    write_package(settings, "acme", package)
    return package


@pytest.fixture(scope="module")
def packaged(folder: Path) -> Template:
    return Template(json.loads((folder / TEMPLATE).read_text()))


def test_it_needs_no_bootstrap_and_the_code_is_in_the_bucket_of_the_region(
    packaged: Template, folder: Path
) -> None:
    content = json.dumps(packaged.content)
    assert "cdk-hnb659fds" not in content
    assert "BootstrapVersion" not in content
    assert len(content.encode()) < MOST_BYTES
    keys = set()
    for function in packaged.resources("AWS::Lambda::Function").values():
        assert function["Code"]["S3Bucket"] == {"Fn::Sub": "acme-${AWS::Region}"}
        keys.add(function["Code"]["S3Key"])
    (key,) = keys
    assert key.startswith(f"snow-white/{VERSION}/")
    assert (folder / key).is_file()


def test_the_settings_are_the_defaults_of_the_parameters(packaged: Template) -> None:
    parameters = {name: one["Default"] for name, one in packaged.content["Parameters"].items()}
    assert parameters == {
        "HomeRegion": "us-east-1",
        "Regions": "us-east-1,eu-west-1",
        "DefaultEnvironments": "workers",
        "WorkerGroups": "",
        "SlackChannel": "C0DEPLOYS",
    }


def test_the_functions_get_the_parameters(packaged: Template) -> None:
    variables = packaged.function("notify_slack")["Environment"]["Variables"]
    assert variables["DEFAULT_REGIONS"] == {"Fn::Join": [",", {"Ref": "Regions"}]}
    assert variables["DEFAULT_ENVIRONMENTS"] == {"Fn::Join": [",", {"Ref": "DefaultEnvironments"}]}
    assert variables["WORKER_GROUPS"] == {"Fn::Join": [",", {"Ref": "WorkerGroups"}]}
    assert variables["SLACK_CHANNEL"] == {"Ref": "SlackChannel"}
    assert variables["SNOW_WHITE_VERSION"] == VERSION


def test_only_the_documents_are_created_outside_the_home_region(packaged: Template) -> None:
    everywhere = {
        one["Type"]
        for one in packaged.content["Resources"].values()
        if one.get("Condition") != "IsHomeRegion"
    }
    assert everywhere == {"AWS::SSM::Document"}
    assert packaged.content["Conditions"] == {
        "IsHomeRegion": {"Fn::Equals": [{"Ref": "AWS::Region"}, {"Ref": "HomeRegion"}]}
    }
    assert all(one["Condition"] == "IsHomeRegion" for one in packaged.content["Outputs"].values())


def test_the_functions_may_do_the_same_as_in_a_deployment_and_in_the_worker_regions_only(
    packaged: Template, home: Template
) -> None:
    def calls(template: Template, function: str) -> set[str]:
        role = template.role(template.function(function)["Role"])
        return {action for action, _, _ in allowed(role)}

    for name in ("discover_instances", "dispatch_command", "poll_command", "notify_slack", "close_run"):
        assert calls(packaged, name) == calls(home, name)
    for role in packaged.resources("AWS::IAM::Role").values():
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                resources = as_list(statement["Resource"])
                if any(":*:" in text(one) and "iam" not in text(one) for one in resources if one != "*"):
                    condition = statement["Condition"]["StringEquals"]["aws:RequestedRegion"]
                    assert condition == {"Ref": "Regions"} or condition == [{"Ref": "Regions"}]


def test_cfn_lint_has_nothing_to_say(folder: Path) -> None:
    result = subprocess.run(
        ["cfn-lint", "--template", folder / TEMPLATE], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.stdout == ""
    assert result.returncode == 0, result.stderr


def test_the_same_inputs_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    settings = Settings.from_mapping(
        {"home_region": REGIONS[0], "regions": REGIONS, "slack_channel": "C0DEPLOYS"}
    )
    write_package(settings, "acme", tmp_path)
    first, second = (
        {path.name: path.read_bytes() for path in one.rglob("*.*") if path.is_file()}
        for one in (folder, tmp_path)
    )
    assert first == second


@pytest.mark.parametrize("arguments", [[], ["--what"], ["a", "b", "c"]])
def test_wrong_usage_is_explained(arguments: list[str]) -> None:
    result = subprocess.run(
        ["scripts/package", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert "See ./scripts/package --help." in result.stderr


def test_a_prefix_that_makes_no_bucket_is_refused() -> None:
    result = subprocess.run(
        ["scripts/package", "Acme"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert "'Acme' is no prefix of a bucket's name" in result.stderr
