"""The package that ./scripts/package writes, launched as in CloudFormation's console: without a CDK bootstrap."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from demonstration.customer import Application
from local_aws import LocalAws
from local_aws.hosts.redis_server import RedisServer
from snow_white.version import VERSION
from snow_white_cli.runs import FollowedRun
from tests.workflow.shop import AWAY, HOME, ended, eventually

ROOT: Final = Path(__file__).parents[2]
PREFIX: Final = "acme-code"
BUCKET: Final = f"{PREFIX}-{HOME}"
TEMPLATE: Final = f"snow-white/{VERSION}/snow-white.template.json"

pytestmark = pytest.mark.synthesizes


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS to which nothing has been deployed."""
    with LocalAws.start(tmp_path_factory.mktemp("package") / "aws") as local_aws:
        yield local_aws


@pytest.fixture(scope="module")
def package(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the script has written."""
    folder = tmp_path_factory.mktemp("written")
    (folder / "mine").write_text("kept")
    environ = {
        **os.environ,
        "SNOW_WHITE_SETTINGS_FILE": "",
        "SNOW_WHITE_OVERRIDES": json.dumps({"slack_api_url": aws.slack.api_url}),
    }
    result = subprocess.run(
        ["scripts/package", PREFIX, folder],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert f"aws s3 sync {folder}/ s3://{BUCKET}/ --region {HOME}" in result.stdout
    assert f"templateURL=https://{BUCKET}.s3.{HOME}.amazonaws.com/{TEMPLATE}" in result.stdout
    assert (folder / "mine").read_text() == "kept"
    return folder


def upload(aws: LocalAws, package: Path) -> str:
    """What `aws s3 sync` does; returns the template's address."""
    s3 = aws.client("s3", HOME)
    s3.create_bucket(Bucket=BUCKET)
    for path in package.rglob("*"):
        if path.is_file():
            s3.put_object(Bucket=BUCKET, Key=str(path.relative_to(package)), Body=path.read_bytes())
    return f"{aws.endpoint}/{BUCKET}/{TEMPLATE}"


def launch(aws: LocalAws, region: str, url: str, **parameters: str) -> dict[str, str]:
    """Create the stack in a region as a person does in the console; its outputs."""
    cloudformation = aws.client("cloudformation", region)
    cloudformation.create_stack(
        StackName="SnowWhite",
        TemplateURL=url,
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    )

    def described() -> dict[str, Any]:
        stack: dict[str, Any] = cloudformation.describe_stacks(StackName="SnowWhite")["Stacks"][0]
        return stack

    eventually(
        lambda: not described()["StackStatus"].endswith("_IN_PROGRESS"), f"the stack in {region} is there"
    )
    assert described()["StackStatus"] == "CREATE_COMPLETE"
    return {one["OutputKey"]: one["OutputValue"] for one in described().get("Outputs", [])}


def test_one_template_launched_in_two_regions_quiets_a_worker(
    aws: LocalAws, package: Path, tmp_path: Path
) -> None:
    url = upload(aws, package)
    chosen = {"HomeRegion": HOME, "Regions": f"{HOME},{AWAY}", "DefaultEnvironments": "jobs,crons"}
    home = launch(aws, HOME, url, **chosen)
    assert home["Version"] == VERSION
    assert launch(aws, AWAY, url, **chosen) == {}
    resources = aws.client("cloudformation", AWAY).describe_stack_resources(StackName="SnowWhite")
    assert {one["ResourceType"] for one in resources["StackResources"]} == {"AWS::SSM::Document"}

    ann = aws.create_user("ann", [home["InvokePolicyArn"]])
    client = aws.client("stepfunctions", HOME, ann)
    with RedisServer.start(tmp_path) as redis:
        application = Application(aws, "shop", redis.url)
        try:
            environment = application.add_environment("jobs", AWAY, instances=1)
            eventually(application.is_ready, "the application is ready")
            (instance,) = application.instances(environment, AWAY)
            request = {"action": "quiet", "application": "shop"}
            end = ended(FollowedRun.start(client, home["StateMachineArn"], request))
        finally:
            application.terminate()
    assert (end.status, end.error, end.cause) == ("SUCCEEDED", None, None)
    assert end.output["counts"] == {"quiet": 1}
    assert end.output["environments"] == [environment], instance

    refused = {"action": "status", "application": "shop", "regions": ["ap-south-1"]}
    end = ended(FollowedRun.start(client, home["StateMachineArn"], refused))
    assert f"Snow White is deployed in {HOME}, {AWAY} only." in str(end.cause)
