"""The EC2 instances of Elastic Beanstalk environments, and which of them the SSM agent serves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from snow_white.aws.batches import batches
from snow_white.model.fleet import Environment, Instance

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ssm import SSMClient

ENVIRONMENT_ID_TAG: Final = "elasticbeanstalk:environment-id"
_FILTER_VALUES: Final = 200  # EC2: values of one filter
_NODES_A_PAGE: Final = 50  # SSM: the largest page of DescribeInstanceInformation


def present_instances(client: EC2Client, environments: Sequence[Environment]) -> list[Instance]:
    """All pending and running instances of the environments, by id.

    Instances that are stopping, stopped or terminated do not count: EC2 ends their workers, or has, and no command
    reaches them any more.
    """
    names = {environment.id: environment.name for environment in environments}
    found: list[Instance] = []
    for ids in batches(sorted(names), _FILTER_VALUES):
        pages = client.get_paginator("describe_instances").paginate(
            Filters=[
                {"Name": f"tag:{ENVIRONMENT_ID_TAG}", "Values": list(ids)},
                {"Name": "instance-state-name", "Values": ["pending", "running"]},
            ],
            PaginationConfig={"PageSize": 1000},
        )
        for page in pages:
            for reservation in page.get("Reservations", []):
                for instance in reservation.get("Instances", []):
                    tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
                    found.append(
                        Instance(
                            id=instance["InstanceId"],
                            environment=names[tags[ENVIRONMENT_ID_TAG]],
                            launched_at=instance["LaunchTime"],
                            running=instance["State"]["Name"] == "running",
                        )
                    )
    return sorted(found)


def managed_ids(client: SSMClient, ids: Iterable[str]) -> frozenset[str]:
    """Those of the ids whose agent has registered with SSM, connected at the moment or not.

    An agent whose connection is lost may come back within the run, so it is sent to all the same.
    """
    managed: set[str] = set()
    for some in batches(sorted(ids), _NODES_A_PAGE):
        pages = client.get_paginator("describe_instance_information").paginate(
            Filters=[{"Key": "InstanceIds", "Values": list(some)}],
            PaginationConfig={"PageSize": _NODES_A_PAGE},
        )
        for page in pages:
            managed.update(node["InstanceId"] for node in page.get("InstanceInformationList", []))
    return frozenset(managed)
