"""Deploying what `python app.py` synthesizes, unchanged, by CloudFormation."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_aws.engine.account import ACCOUNT
from local_aws.engine.bundles import zipped
from local_aws.processes.waiting import wait_for

_PROJECT = Path(__file__).resolve().parent.parent.parent
_DEPLOY_SECONDS = 120.0
_BOOTSTRAP_VERSION = "/cdk-bootstrap/hnb659fds/version"
_INHERITED = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR")

ClientFor = Callable[[str, str], Any]
"""Gives a boto3 client by service and region."""


class DeploymentError(Exception):
    """Synthesis failed, or a stack did; the text has the error output or the stack's events."""


@dataclass(frozen=True)
class Stack:
    """A stack of a cloud assembly."""

    name: str
    region: str
    template: Path
    assets: Path


def synthesize(outdir: Path, settings: Mapping[str, Any], account: str) -> Path:
    """Run `python app.py` into `outdir` with these settings laid over cdk.json's; returns `outdir`.

    Raises DeploymentError with everything it printed.
    """
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}"
    environment |= {
        "CDK_OUTDIR": str(outdir),
        "CDK_DEFAULT_ACCOUNT": account,
        # The checks take seconds, change nothing in the templates, and are what `synth` and tests/infra run.
        "CDK_VALIDATION": "false",
        "SNOW_WHITE_OVERRIDES": json.dumps(dict(settings)),
        "SNOW_WHITE_SETTINGS_FILE": "",
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
    }
    finished = subprocess.run(
        [sys.executable, "app.py"], cwd=_PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    if finished.returncode != 0:
        raise DeploymentError(
            f"python app.py ended with {finished.returncode}:\n{finished.stdout}{finished.stderr}"
        )
    return outdir


def deploy(assembly: Path, client_for: ClientFor) -> dict[str, dict[str, str]]:
    """Create or update every stack of a cloud assembly, in the order they need each other.

    Returns the outputs by stack. Raises DeploymentError with the events of the stack that failed.
    """
    return {stack.name: _deploy_stack(stack, assembly, client_for) for stack in _stacks_in_order(assembly)}


def _stacks_in_order(assembly: Path) -> list[Stack]:
    artifacts = json.loads((assembly / "manifest.json").read_text())["artifacts"]
    ordered: list[str] = []

    def add(name: str) -> None:
        for needed in artifacts[name].get("dependencies", []):
            add(needed)
        if name not in ordered:
            ordered.append(name)

    for name in artifacts:
        add(name)
    return [
        Stack(
            name=artifacts[name]["properties"].get("stackName", name),
            region=artifacts[name]["environment"].rpartition("/")[2],
            template=assembly / artifacts[name]["properties"]["templateFile"],
            assets=assembly / f"{name}.assets.json",
        )
        for name in ordered
        if artifacts[name]["type"] == "aws:cloudformation:stack"
    ]


def _deploy_stack(stack: Stack, assembly: Path, client_for: ClientFor) -> dict[str, str]:
    _bootstrap(stack.region, client_for)
    template_url = _publish_assets(stack, assembly, client_for)
    cloudformation = client_for("cloudformation", stack.region)
    request = {"StackName": stack.name, "TemplateURL": template_url, "Capabilities": ["CAPABILITY_NAMED_IAM"]}
    try:
        if _describe(cloudformation, stack.name) is None:
            cloudformation.create_stack(**request)
        else:
            cloudformation.update_stack(**request)
    except cloudformation.exceptions.ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise DeploymentError(f"{stack.name} was refused: {error}") from error
    described = _wait_until_settled(cloudformation, stack.name)
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}


def _bootstrap(region: str, client_for: ClientFor) -> None:
    """What `cdk bootstrap` leaves in a region, as far as a template can see it: the parameter with its version."""
    client_for("ssm", region).put_parameter(
        Name=_BOOTSTRAP_VERSION, Value="31", Type="String", Overwrite=True
    )


def _publish_assets(stack: Stack, assembly: Path, client_for: ClientFor) -> str:
    """Upload the stack's files to where its template expects them; returns the template's own URL."""
    s3 = client_for("s3", stack.region)
    template_url = ""
    for asset in json.loads(stack.assets.read_text())["files"].values():
        source = assembly / asset["source"]["path"]
        content = zipped(source) if asset["source"]["packaging"] == "zip" else source.read_bytes()
        for destination in asset["destinations"].values():
            # The CDK's command line fills it in as well, where no account was set.
            bucket = destination["bucketName"].replace("${AWS::AccountId}", ACCOUNT)
            key = destination["objectKey"]
            _make_bucket(s3, bucket, stack.region)
            s3.put_object(Bucket=bucket, Key=key, Body=content)
            if source == stack.template:
                template_url = f"{s3.meta.endpoint_url}/{bucket}/{key}"
    if not template_url:
        raise DeploymentError(f"{stack.assets} does not have the template {stack.template}")
    return template_url


def _make_bucket(s3: Any, bucket: str, region: str) -> None:
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=bucket, **place)


def _describe(cloudformation: Any, name: str) -> dict[str, Any] | None:
    try:
        described: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except cloudformation.exceptions.ClientError:
        return None
    return described


def _wait_until_settled(cloudformation: Any, name: str) -> dict[str, Any]:
    def settled() -> bool:
        described = _describe(cloudformation, name)
        return described is None or not described["StackStatus"].endswith("_IN_PROGRESS")

    wait_for(settled, _DEPLOY_SECONDS, poll_seconds=0.05)
    described = _describe(cloudformation, name)
    status = described["StackStatus"] if described else "gone"
    if described is None or status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise DeploymentError(f"{name} is {status}:\n{_events(cloudformation, name)}")
    return described


def _events(cloudformation: Any, name: str) -> str:
    try:
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    except cloudformation.exceptions.ClientError as error:
        return str(error)
    lines = [
        f"{event['LogicalResourceId']} {event['ResourceStatus']} {event.get('ResourceStatusReason', '')}"
        for event in reversed(events)
    ]
    return "\n".join(lines)
