"""Groups with hosts that boot in seconds, in the one local AWS of the test process."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator

import pytest

from local_aws import LocalAws
from tests.local_aws.auto_scaling.groups import REGION, Group
from tests.patience import eventually

_APPLICATION = "scaled"


@pytest.fixture
def new_group(aws: LocalAws) -> Iterator[Callable[[int], Group]]:
    """Makes the group of a new environment of so many instances, all in service; they are ended after the test."""
    beanstalk = aws.client("elasticbeanstalk", REGION)
    with contextlib.suppress(beanstalk.exceptions.ClientError):
        beanstalk.create_application(ApplicationName=_APPLICATION)
    made = []

    def make(instances: int) -> Group:
        name = f"scaled-{secrets.token_hex(4)}"
        options = {
            ("aws:autoscaling:asg", "MinSize"): str(instances),
            ("snow-white:local", "Workers"): "none",
        }
        beanstalk.create_environment(
            ApplicationName=_APPLICATION,
            EnvironmentName=name,
            OptionSettings=[
                {"Namespace": namespace, "OptionName": option, "Value": value}
                for (namespace, option), value in options.items()
            ],
        )
        made.append(name)
        resources = beanstalk.describe_environment_resources(EnvironmentName=name)["EnvironmentResources"]
        group = Group(aws, resources["AutoScalingGroups"][0]["Name"], name)
        eventually(lambda: len(group.ids("InService")) == instances, f"{name} is in service")
        return group

    yield make
    for name in made:
        with contextlib.suppress(beanstalk.exceptions.ClientError):
            beanstalk.terminate_environment(EnvironmentName=name)
