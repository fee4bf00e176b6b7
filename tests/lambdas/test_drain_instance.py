"""An event that an instance is about to end starts one run for it, if the settings mean it."""

from __future__ import annotations

import importlib
import json
from dataclasses import dataclass, field
from datetime import timedelta
from types import ModuleType
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from snow_white.model.fleet import ENVIRONMENT_NAME_TAG, GROUP_NAME_TAG
from snow_white.model.request import Defaults, InvalidRequest, Limits, Request
from snow_white.model.scheduled_request import wake_request
from snow_white.model.termination import DrainPatterns, Notice, Termination, is_of_termination
from snow_white.steps.drain import TerminationEvent, request_for
from tests.fake_client import FakeClient
from tests.lambdas.fake_cloud import START, FakeCloud, client_error
from tests.lambdas.fake_hosts import FakeInstance
from tests.lambdas.loaded import ENVIRONMENT, Context

TOKEN: Final = "87654321-4321-4321-4321-210987654321"
EVENT_ID: Final = "12345678-1234-1234-1234-123456789012"
BEANSTALK_GROUP: Final = "awseb-e-abcdefghij-stack-AWSEBAutoScalingGroup-1ABC"
REGION: Final = "eu-west-1"
PATTERNS: Final = DrainPatterns(("workers",), ("backups-*",))
DEFAULTS: Final = Defaults(("us-east-1", REGION), ("workers",), Limits(("backups-*",)))


def lifecycle_event(instance: str, group: str = BEANSTALK_GROUP, region: str = REGION) -> dict[str, Any]:
    """As Auto Scaling sends it."""
    return {
        "version": "0",
        "id": EVENT_ID,
        "detail-type": "EC2 Instance-terminate Lifecycle Action",
        "source": "aws.autoscaling",
        "account": "111122223333",
        "time": f"{START:%Y-%m-%dT%H:%M:%SZ}",
        "region": region,
        "resources": [
            f"arn:aws:autoscaling:{region}:111122223333:autoScalingGroup:1:autoScalingGroupName/{group}"
        ],
        "detail": {
            "LifecycleActionToken": TOKEN,
            "AutoScalingGroupName": group,
            "LifecycleHookName": "SnowWhite",
            "EC2InstanceId": instance,
            "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING",
            "Origin": "AutoScalingGroup",
            "Destination": "EC2",
        },
    }


def spot_event(instance: str, detail_type: str = "EC2 Spot Instance Interruption Warning") -> dict[str, Any]:
    """As EC2 sends it."""
    return {
        "version": "0",
        "id": EVENT_ID,
        "detail-type": detail_type,
        "source": "aws.ec2",
        "account": "111122223333",
        "time": f"{START:%Y-%m-%dT%H:%M:%SZ}",
        "region": REGION,
        "resources": [f"arn:aws:ec2:{REGION}a:instance/{instance}"],
        "detail": {"instance-id": instance, "instance-action": "terminate"},
    }


@pytest.fixture
def cloud() -> FakeCloud:
    cloud = FakeCloud()
    cloud[REGION].hooks = {BEANSTALK_GROUP: 900, "backups-blue": 7_200}
    return cloud


def of_environment(cloud: FakeCloud, name: str = "backups-workers") -> FakeInstance:
    return cloud[REGION].add_instance(tags={ENVIRONMENT_NAME_TAG: name, GROUP_NAME_TAG: BEANSTALK_GROUP})


def requested(
    cloud: FakeCloud, event: dict[str, Any], after: float = 5, patterns: DrainPatterns = PATTERNS
) -> Any:
    regions: Any = cloud
    return request_for(TerminationEvent.read(event), regions, patterns, START + timedelta(seconds=after))


def test_an_environment_s_instance_is_quieted_as_long_as_its_hook_can_wait(cloud: FakeCloud) -> None:
    instance = of_environment(cloud)
    asked = requested(cloud, lifecycle_event(instance.id))
    request = Request.parse(json.loads(json.dumps(asked)), DEFAULTS)
    assert (request.action, request.regions, request.instances) == ("quiet", (REGION,), (instance.id,))
    assert request.tags == {ENVIRONMENT_NAME_TAG: ("backups-workers",)}
    assert request.timeout_seconds == 100 * 900 - 5 - 300
    assert request.termination
    action = request.termination.lifecycle_action
    assert action
    assert (action.group, action.hook, action.token) == (BEANSTALK_GROUP, "SnowWhite", TOKEN)
    assert action.heartbeat_seconds == 900


def test_auto_scaling_waits_no_longer_than_two_days(cloud: FakeCloud) -> None:
    instance = cloud[REGION].add_instance(tags={GROUP_NAME_TAG: "backups-blue"})
    asked = requested(cloud, lifecycle_event(instance.id, "backups-blue"))
    request = Request.parse(asked, DEFAULTS)
    assert request.auto_scaling_groups == ("backups-blue",)
    assert request.timeout_seconds == 48 * 3_600 - 5 - 300


def test_an_event_that_comes_late_leaves_less_time_but_the_least_that_a_run_may_have(
    cloud: FakeCloud,
) -> None:
    event = lifecycle_event(of_environment(cloud).id)
    assert requested(cloud, event, after=1_000)["timeout_seconds"] == 100 * 900 - 1_000 - 300
    assert requested(cloud, event, after=1_000_000)["timeout_seconds"] == 60


def test_a_spot_instance_has_less_than_its_two_minutes_and_nobody_waits_for_it(cloud: FakeCloud) -> None:
    request = Request.parse(requested(cloud, spot_event(of_environment(cloud).id)), DEFAULTS)
    assert request.timeout_seconds == 95
    assert request.termination
    assert (request.termination.notice, request.termination.lifecycle_action) == ("spot_interruption", None)


def test_one_that_ec2_recommends_to_replace_is_woken_after_an_hour_if_it_lives_on(cloud: FakeCloud) -> None:
    instance = of_environment(cloud)
    request = Request.parse(
        requested(cloud, spot_event(instance.id, "EC2 Instance Rebalance Recommendation")), DEFAULTS
    )
    assert (request.timeout_seconds, request.wake_after_seconds) == (3_600, 3_600)
    planned = wake_request(request, "1764000000 drain-1", "drain-1", None, request.requested_by or "")
    wake = Request.parse(json.loads(json.dumps(planned)), DEFAULTS)
    assert (wake.action, wake.only_asleep_by, wake.instances) == (
        "wake",
        "1764000000 drain-1",
        (instance.id,),
    )
    assert wake.termination == Termination(Notice.REBALANCE_RECOMMENDATION)
    with pytest.raises(InvalidRequest, match="'termination' is for Snow White itself"):
        Request.parse({**planned, "only_asleep_by": None}, DEFAULTS)


@pytest.mark.parametrize(
    ("tags", "patterns"),
    [
        ({ENVIRONMENT_NAME_TAG: "web", GROUP_NAME_TAG: BEANSTALK_GROUP}, PATTERNS),
        ({GROUP_NAME_TAG: "web"}, PATTERNS),
        ({}, PATTERNS),
        ({ENVIRONMENT_NAME_TAG: "backups-workers", GROUP_NAME_TAG: BEANSTALK_GROUP}, DrainPatterns()),
    ],
)
def test_an_instance_that_the_settings_do_not_mean_is_left_alone(
    cloud: FakeCloud, tags: dict[str, str], patterns: DrainPatterns
) -> None:
    instance = cloud[REGION].add_instance(tags=tags)
    assert requested(cloud, lifecycle_event(instance.id), patterns=patterns) is None
    assert requested(cloud, spot_event(instance.id), patterns=patterns) is None


def test_an_instance_that_ec2_does_not_know_and_a_hook_that_is_gone_start_nothing(cloud: FakeCloud) -> None:
    assert requested(cloud, spot_event("i-0123456789abcdef0")) is None
    event = lifecycle_event(of_environment(cloud).id)
    cloud[REGION].hooks = {BEANSTALK_GROUP: None}
    assert requested(cloud, event) is None
    cloud[REGION].hooks = {}
    assert requested(cloud, event) is None


@dataclass
class FakeStepFunctions(FakeClient, services=("stepfunctions",)):
    """Takes each name once."""

    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def start_execution(self, stateMachineArn: str, name: str, input: str) -> dict[str, Any]:
        if name in self.inputs:
            raise client_error("ExecutionAlreadyExists", f"Execution Already Exists: {name}", 400)
        self.inputs[name] = json.loads(input)
        return {
            "executionArn": f"{stateMachineArn.replace('stateMachine', 'execution')}:{name}",
            "startDate": START,
        }


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch, cloud: FakeCloud) -> ModuleType:
    variables = {
        **ENVIRONMENT,
        "DEFAULT_REGIONS": f"us-east-1,{REGION}",
        "DRAIN_ENVIRONMENTS": "workers",
        "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:111122223333:stateMachine:SnowWhite",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    function = importlib.reload(importlib.import_module("drain_instance"))
    monkeypatch.setattr(function, "regions", cloud)
    monkeypatch.setattr(function, "step_functions", FakeStepFunctions())
    return function


def test_an_event_that_comes_twice_starts_one_run(function: ModuleType, cloud: FakeCloud) -> None:
    instance = of_environment(cloud)
    first, second = (function.handler(lifecycle_event(instance.id), Context(60)) for _ in range(2))
    assert first == second == {"started": f"drain-{instance.id}-{TOKEN}"}
    assert list(function.step_functions.inputs) == [first["started"]]
    assert is_of_termination(first["started"])


def test_thirty_that_end_at_once_start_thirty_runs_with_two_calls_of_ec2_and_auto_scaling_each(
    function: ModuleType, cloud: FakeCloud
) -> None:
    for _ in range(30):
        event = lifecycle_event(of_environment(cloud).id)
        event["detail"]["LifecycleActionToken"] = f"{TOKEN[:-2]}{len(cloud[REGION].instances):02d}"
        function.handler(event, Context(60))
    assert len(function.step_functions.inputs) == 30
    assert cloud[REGION].calls == ["describe_instances", "describe_lifecycle_hooks"] * 30


def test_another_region_s_instance_is_left_alone(function: ModuleType, cloud: FakeCloud) -> None:
    event = lifecycle_event(of_environment(cloud).id, region="ap-southeast-2")
    assert function.handler(event, Context(60)) == {"started": None}


def test_an_error_of_aws_is_raised_so_that_lambda_tries_again(function: ModuleType, cloud: FakeCloud) -> None:
    instance = of_environment(cloud)
    cloud[REGION].down = client_error("Throttling", "Rate exceeded", 400)
    with pytest.raises(ClientError):
        function.handler(lifecycle_event(instance.id), Context(60))
    assert function.step_functions.inputs == {}
