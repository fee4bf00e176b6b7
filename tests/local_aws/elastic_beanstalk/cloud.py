"""A local AWS with an application on Elastic Beanstalk, for tests."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import Any

import redis

from demonstration.ledger import Ledger, WorkerHistory
from local_aws import LocalAws
from local_aws.hosts.systemd_host import SystemdHost
from local_aws.run_command.command import UNFINISHED
from tests.patience import eventually

REGION, ELSEWHERE = "eu-west-1", "us-west-2"
APPLICATION = "backups"
VARIABLES = "aws:elasticbeanstalk:application:environment"


@dataclass(frozen=True)
class Cloud:
    """A running local AWS with the application `backups` in one region, versions v1 and v2."""

    aws: LocalAws
    redis_url: str
    ledger: redis.Redis

    def beanstalk(self, region: str = REGION) -> Any:
        return self.aws.client("elasticbeanstalk", region)

    def ec2(self) -> Any:
        return self.aws.client("ec2", REGION)

    def create(self, name: str, *options: tuple[str, str], **variables: str) -> dict[str, Any]:
        """An environment without instances unless an option MinSize says otherwise; waits until it is Ready."""
        self.beanstalk().create_environment(
            ApplicationName=APPLICATION,
            EnvironmentName=name,
            VersionLabel="v1",
            OptionSettings=[
                *(setting(option, value) for option, value in {"MinSize": "0", **dict(options)}.items()),
                *(
                    setting(key, value, VARIABLES)
                    for key, value in {"REDIS_URL": self.redis_url, **variables}.items()
                ),
            ],
        )
        return self.wait(name, "Ready")

    def update(self, name: str, **changes: Any) -> dict[str, Any]:
        self.beanstalk().update_environment(EnvironmentName=name, **changes)
        return self.wait(name, "Ready")

    def wait(self, name: str, status: str) -> dict[str, Any]:
        eventually(lambda: self.describe(name)["Status"] == status, f"{name} is {status}")
        return self.describe(name)

    def describe(self, name: str) -> dict[str, Any]:
        (environment,) = self.beanstalk().describe_environments(EnvironmentNames=[name])["Environments"]
        return dict(environment)

    def instances(self, name: str, state: str = "running") -> list[dict[str, Any]]:
        wanted = [
            {"Name": "tag:elasticbeanstalk:environment-name", "Values": [name]},
            {"Name": "instance-state-name", "Values": [state]},
        ]
        reservations = self.ec2().describe_instances(Filters=wanted)["Reservations"]
        return [instance for reservation in reservations for instance in reservation["Instances"]]

    def ids(self, name: str) -> list[str]:
        return sorted(instance["InstanceId"] for instance in self.instances(name))

    def host(self, instance_id: str) -> SystemdHost:
        return SystemdHost.attach(self.aws.folder / "hosts" / instance_id)

    def lives(self, instance_id: str) -> list[WorkerHistory]:
        """The Sidekiq processes that have started on the host."""
        return [life for life in Ledger.read(self.ledger).workers if life.worker.host == instance_id]

    @property
    def document(self) -> str:
        """A command document that does nothing."""
        ssm = self.aws.client("ssm", REGION)
        step = {"action": "aws:runShellScript", "name": "nothing", "inputs": {"runCommand": ["true"]}}
        content = json.dumps({"schemaVersion": "2.2", "mainSteps": [step]})
        with contextlib.suppress(ssm.exceptions.DocumentAlreadyExists):
            ssm.create_document(Name="Nothing", Content=content, DocumentType="Command")
        return "Nothing"

    def says(self, instance_id: str) -> str:
        """The StatusDetails of a short command to the instance, once it has ended."""
        ssm = self.aws.client("ssm", REGION)
        sent = ssm.send_command(DocumentName=self.document, InstanceIds=[instance_id])["Command"]["CommandId"]

        def ended() -> str | None:
            (one,) = ssm.list_command_invocations(CommandId=sent)["CommandInvocations"]
            return None if one["Status"] in UNFINISHED else str(one["StatusDetails"])

        return eventually(ended, "the command has ended") or ""

    def versions_running(self, *instance_ids: str) -> list[str]:
        """The version that the newest Sidekiq of each host recorded, in the hosts' order."""
        newest = {life.worker.host: life.version for life in Ledger.read(self.ledger).workers}
        return [newest.get(instance_id, "") for instance_id in instance_ids]


def setting(name: str, value: str, namespace: str = "") -> dict[str, str]:
    """An option setting; without a namespace it is MinSize or one of the local options of a host."""
    namespace = namespace or ("aws:autoscaling:asg" if name == "MinSize" else "snow-white:local")
    return {"Namespace": namespace, "OptionName": name, "Value": value}


def managed(cloud: Cloud) -> dict[str, str]:
    """The ping status of each managed instance."""
    pages = cloud.aws.client("ssm", REGION).get_paginator("describe_instance_information").paginate()
    return {
        instance["InstanceId"]: instance["PingStatus"]
        for page in pages
        for instance in page["InstanceInformationList"]
    }
