"""What `PipelineActions.wake_on_failure` deploys, beside the deployed stack: the event of a pipeline's end wakes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from snow_white_cli.runs import FollowedRun
from tests.infra.assemblies import synthesized
from tests.workflow.shop import HOME, Shop, ended, eventually

SOURCE = ("Version", "Succeeded", "")
QUIETED = ("QuietWorkers", "Succeeded", "")
FAILED_DEPLOY = ("DeployVersion", "Failed", "")


@dataclass
class Pipeline:
    """The pipeline `<shop>-deploy`, which quiets, deploys and wakes the shop."""

    shop: Shop
    outcomes: str
    """ARN of the state machine that looks whether to wake."""

    def ends(self, state: str, *actions: tuple[str, str, str]) -> str:
        """Let an execution end in this state, after these actions; its id."""
        execution = str(uuid.uuid4())
        self.shop.aws.faults.pipeline_ends(HOME, f"{self.shop.name}-deploy", execution, state, actions)
        return execution

    def looks(self, count: int = 1) -> list[FollowedRun]:
        """The executions of that state machine, as soon as there are so many, at their ends."""
        client = self.shop.aws.client("stepfunctions")

        def executions() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = client.list_executions(stateMachineArn=self.outcomes)["executions"]
            return found if len(found) >= count else []

        looks = [
            FollowedRun(client, one["executionArn"]) for one in eventually(executions, "the rule started it")
        ]
        for look in looks:
            eventually(look.has_ended, f"{look.name} ends")
        return looks

    def wakes(self) -> list[FollowedRun]:
        """The runs of Snow White that wake the shop."""
        client, machine = self.shop.aws.client("stepfunctions"), self.shop.aws.outputs["StateMachineArn"]
        listed = client.list_executions(stateMachineArn=machine)["executions"]
        return [
            FollowedRun(client, one["executionArn"])
            for one in listed
            if one["name"].startswith(f"wake-{self.shop.name}-")
        ]


@pytest.fixture
def pipeline(shop: Shop) -> Iterator[Pipeline]:
    """The stack of the example, with the shop's names in place of the example's."""
    folder = synthesized({}, program="tests/infra/example_wake_on_failure.py")
    template = (folder / "WakeOnFailure.template.json").read_text()
    template = template.replace("backups", shop.name).replace("BACKUPS", shop.name.upper())
    client, stack = shop.aws.client("cloudformation"), f"wake-on-failure-{shop.name}"
    client.create_stack(StackName=stack, TemplateBody=template, Capabilities=["CAPABILITY_IAM"])

    def status() -> str:
        return str(client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])

    eventually(lambda: not status().endswith("IN_PROGRESS"), "the stack is there")
    assert status() == "CREATE_COMPLETE"
    resources = client.describe_stack_resources(StackName=stack)["StackResources"]
    (machine,) = [
        one["PhysicalResourceId"]
        for one in resources
        if one["ResourceType"] == "AWS::StepFunctions::StateMachine"
    ]
    yield Pipeline(shop, machine)
    client.delete_stack(StackName=stack)


def test_after_a_deploy_that_failed_a_wake_is_started_for_the_same_workers(pipeline: Pipeline) -> None:
    execution = pipeline.ends("FAILED", SOURCE, QUIETED, FAILED_DEPLOY)
    (look,) = pipeline.looks()
    assert look.status() == "SUCCEEDED", look.describe()
    (wake,) = pipeline.wakes()
    assert (
        json.loads(wake.describe()["input"]).items()
        >= {
            "action": "wake",
            "application": pipeline.shop.name,
            "channel": pipeline.shop.channel,
            "requested_by": f"pipeline {pipeline.shop.name}-deploy (execution {execution})",
        }.items()
    )
    ended(wake)


def test_nothing_is_woken_if_it_failed_before_it_was_quiet_or_after_it_was_woken(pipeline: Pipeline) -> None:
    woken = ("WakeWorkers", "Succeeded", "")
    pipeline.ends("FAILED", ("Version", "Failed", ""))
    pipeline.ends("CANCELED")
    pipeline.ends(
        "FAILED", SOURCE, QUIETED, ("DeployVersion", "Succeeded", ""), woken, ("Smoke", "Failed", "")
    )
    pipeline.ends("SUCCEEDED", SOURCE, QUIETED, woken)
    assert [look.status() for look in pipeline.looks(3)] == ["SUCCEEDED"] * 3
    assert pipeline.wakes() == []


def test_a_pipeline_that_is_stopped_while_a_job_is_waited_for_stops_the_quiet_and_wakes_the_worker(
    pipeline: Pipeline,
) -> None:
    shop = pipeline.shop
    shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    jobs = shop.hold()
    eventually(lambda: shop.ledger().running, "the job runs")
    client, name = shop.aws.client("stepfunctions"), f"quiet-{shop.name}-{uuid.uuid4()}"
    request = {"action": "quiet", "application": shop.name, "channel": shop.channel}
    quiet = FollowedRun.start(client, shop.aws.outputs["StateMachineArn"], request, name)
    eventually(lambda: quiet.has_left("DispatchCommand"), "the worker was told to be quiet")

    pipeline.ends("STOPPED", SOURCE, ("QuietWorkers", "Abandoned", quiet.arn))

    (look,) = pipeline.looks()
    assert look.status() == "SUCCEEDED", look.describe()
    stopped = quiet.end()
    assert (stopped.status, stopped.error) == ("ABORTED", "PipelineEnded")
    shop.release()
    (wake,) = pipeline.wakes()
    assert ended(wake).status == "SUCCEEDED"
    jobs += shop.enqueue(1)
    eventually(lambda: shop.ledger().finished == frozenset(jobs), "the woken worker does the next job")
    assert shop.ledger().is_exact
