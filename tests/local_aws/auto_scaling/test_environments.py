"""The Auto Scaling groups of environments: Elastic Beanstalk and Auto Scaling resize the same instances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.local_aws.auto_scaling.groups import REGION, Group
from tests.patience import eventually


def update(group: Group, instances: int) -> None:
    """Let Elastic Beanstalk give the environment another size, and wait until it is Ready."""
    beanstalk = group.aws.client("elasticbeanstalk", REGION)
    size = {"Namespace": "aws:autoscaling:asg", "OptionName": "MinSize", "Value": str(instances)}
    beanstalk.update_environment(EnvironmentName=group.environment, OptionSettings=[size])
    eventually(lambda: status(group) == "Ready", f"{group.environment} is ready")


def status(group: Group) -> str:
    described = group.aws.client("elasticbeanstalk", REGION).describe_environments(
        EnvironmentNames=[group.environment]
    )
    return str(described["Environments"][0]["Status"])


def test_the_instances_of_an_environment_are_those_of_its_group_and_have_its_tags(
    new_group: Callable[[int], Group],
) -> None:
    group = new_group(2)
    beanstalk, ec2 = group.aws.client("elasticbeanstalk", REGION), group.aws.client("ec2", REGION)
    resources: dict[str, Any] = beanstalk.describe_environment_resources(EnvironmentName=group.environment)[
        "EnvironmentResources"
    ]

    assert {one["Id"] for one in resources["Instances"]} == set(group.ids("InService"))
    named = {"Name": "tag:aws:autoscaling:groupName", "Values": [group.name]}
    found = ec2.describe_instances(Filters=[named])["Reservations"]
    assert {one["InstanceId"] for each in found for one in each["Instances"]} == set(group.states())
    tags = {tag["Key"]: tag["Value"] for tag in group.described()["Tags"]}
    assert tags["elasticbeanstalk:environment-name"] == group.environment
    assert group.described()["DesiredCapacity"] == 2


def test_an_environment_is_ready_while_instances_wait_and_they_do_not_count(
    new_group: Callable[[int], Group],
) -> None:
    group = new_group(2)
    group.hook()
    update(group, 1)
    (leaving,) = group.leaving()
    assert group.described()["DesiredCapacity"] == 1

    update(group, 2)
    assert group.states()[leaving] == "Terminating:Wait"
    assert len(group.ids("InService")) == 2
    group.complete(InstanceId=leaving)
    group.wait_until_gone(leaving)
    assert len(group.ids("InService")) == 2


def test_auto_scaling_launches_instances_of_an_environment_too(new_group: Callable[[int], Group]) -> None:
    group = new_group(1)
    group.scale(2)
    eventually(lambda: len(group.ids("InService")) == 2, "another instance is in service")
    assert status(group) == "Ready"


def test_terminating_an_environment_waits_for_no_hook(new_group: Callable[[int], Group]) -> None:
    group = new_group(2)
    instances = list(group.states())
    group.hook()
    group.scale(1)
    group.leaving()
    group.aws.client("elasticbeanstalk", REGION).terminate_environment(EnvironmentName=group.environment)

    eventually(lambda: status(group) == "Terminated", "the environment is terminated")
    for instance in instances:
        eventually(lambda: group.ec2_state(instance) == "terminated", f"{instance} is terminated")  # noqa: B023
    found = group.api.describe_auto_scaling_groups(AutoScalingGroupNames=[group.name])
    assert found["AutoScalingGroups"] == []


def test_an_instance_that_is_replaced_waits_for_the_hook_while_another_is_launched(
    new_group: Callable[[int], Group],
) -> None:
    group = new_group(1)
    group.hook()
    (old,) = group.ids("InService")
    group.aws.faults.replaced(REGION, old)

    eventually(lambda: len(group.ids("InService")) == 1, "another instance is in service")
    assert group.states()[old] == "Terminating:Wait"
    assert group.ec2_state(old) == "running"
    group.aws.faults.replaced(REGION, old)
    eventually(lambda: len(group.ids("InService")) == 2, "one more is launched")
    group.complete(InstanceId=old)
    group.wait_until_gone(old)


def test_an_immutable_update_launches_as_many_instances_and_ends_those_that_there_were(
    new_group: Callable[[int], Group],
) -> None:
    group = new_group(2)
    group.hook()
    before = group.ids("InService")
    beanstalk = group.aws.client("elasticbeanstalk", REGION)
    options = {
        ("aws:elasticbeanstalk:command", "DeploymentPolicy"): "Immutable",
        ("aws:elasticbeanstalk:application:environment", "LOG_LEVEL"): "debug",
    }
    beanstalk.update_environment(
        EnvironmentName=group.environment,
        OptionSettings=[
            {"Namespace": namespace, "OptionName": name, "Value": value}
            for (namespace, name), value in options.items()
        ],
    )

    assert sorted(group.leaving(2)) == sorted(before)
    eventually(lambda: status(group) == "Ready", "the environment is ready")
    assert len(group.ids("InService")) == 2
    assert [group.ec2_state(one) for one in before] == ["running", "running"]
    for instance in before:
        group.complete(InstanceId=instance)
    group.wait_until_gone(*before)
    assert len(group.ids("InService")) == 2
