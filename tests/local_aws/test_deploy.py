"""Deploying a cloud assembly: in order, with its files, again, and with the reasons when it fails."""

import json
from pathlib import Path
from typing import Any

import pytest

from local_aws import LocalAws
from local_aws.deploy import DeploymentError, deploy, synthesize


class Assembly:
    """A cloud assembly as the CDK writes it, with stacks of one's own."""

    def __init__(self, folder: Path, account: str) -> None:
        self.folder = folder
        self._account = account
        self._artifacts: dict[str, Any] = {}

    def add(self, name: str, region: str, template: dict[str, Any], *needs: str) -> None:
        (self.folder / f"{name}.template.json").write_text(json.dumps(template))
        bucket = f"cdk-hnb659fds-assets-{self._account}-{region}"
        file = {
            "source": {"path": f"{name}.template.json", "packaging": "file"},
            "destinations": {"current": {"bucketName": bucket, "objectKey": f"{name}.json"}},
        }
        (self.folder / f"{name}.assets.json").write_text(json.dumps({"files": {"template": file}}))
        self._artifacts[f"{name}.assets"] = {"type": "cdk:asset-manifest", "properties": {}}
        self._artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "environment": f"aws://{self._account}/{region}",
            "properties": {"templateFile": f"{name}.template.json"},
            "dependencies": [*needs, f"{name}.assets"],
        }
        (self.folder / "manifest.json").write_text(json.dumps({"artifacts": self._artifacts}))


def topic(name: str, **outputs: Any) -> dict[str, Any]:
    resources = {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}}
    return {"Resources": resources, "Outputs": {key: {"Value": value} for key, value in outputs.items()}}


def test_stacks_are_deployed_in_the_order_they_need_each_other(aws: LocalAws, tmp_path: Path) -> None:
    assembly = Assembly(tmp_path, aws.account)
    assembly.add("Home", "us-east-1", topic("home", Arn={"Ref": "Topic"}), "Away")
    assembly.add("Away", "eu-west-1", topic("away", Arn={"Ref": "Topic"}))

    outputs = deploy(tmp_path, aws.client)

    assert list(outputs) == ["Away", "Home"]
    assert outputs["Away"] == {"Arn": f"arn:aws:sns:eu-west-1:{aws.account}:away"}
    assert outputs["Home"] == {"Arn": f"arn:aws:sns:us-east-1:{aws.account}:home"}


def test_deploying_again_updates_what_has_changed(aws: LocalAws, tmp_path: Path) -> None:
    assembly = Assembly(tmp_path, aws.account)
    assembly.add("Updated", "us-east-1", topic("before", Arn={"Ref": "Topic"}))
    assert deploy(tmp_path, aws.client) == deploy(tmp_path, aws.client)

    assembly.add("Updated", "us-east-1", topic("after", Arn={"Ref": "Topic"}))

    assert deploy(tmp_path, aws.client)["Updated"]["Arn"].endswith(":after")


def test_a_stack_that_fails_names_the_resource_and_the_reason(aws: LocalAws, tmp_path: Path) -> None:
    assembly = Assembly(tmp_path, aws.account)
    document = {"Name": "Broken", "Content": {"schemaVersion": "0.1"}}
    broken = {"Resources": {"Broken": {"Type": "AWS::SSM::Document", "Properties": document}}}
    assembly.add("Failing", "us-east-1", broken)

    with pytest.raises(DeploymentError, match=r"ROLLBACK(?s:.)*Broken CREATE_FAILED.*schemaVersion"):
        deploy(tmp_path, aws.client)


def test_a_refused_template_gives_the_reason(aws: LocalAws, tmp_path: Path) -> None:
    assembly = Assembly(tmp_path, aws.account)
    assembly.add("Unknown", "us-east-1", {"Resources": {"Moon": {"Type": "AWS::Moon::Base"}}})

    with pytest.raises(DeploymentError, match="AWS::Moon::Base"):
        deploy(tmp_path, aws.client)


def test_invalid_settings_fail_with_the_applications_own_sentence(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match="no setting 'slack_chanel'"):
        synthesize(tmp_path / "cdk.out", {"slack_chanel": "C1"}, "111122223333")
