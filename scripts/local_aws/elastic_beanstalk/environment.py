"""An environment: its settings, its status, and its instances."""

from __future__ import annotations

import secrets
import string
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

from local_aws.agent.agent import PingStatus
from local_aws.elastic_beanstalk.ec2_instances import ENVIRONMENT_ID_TAG, ENVIRONMENT_NAME_TAG
from local_aws.elastic_beanstalk.query_protocol import Value
from local_aws.elastic_beanstalk.worker_instance import HostOptions, WorkerInstance
from local_aws.engine.service_error import ServiceError
from local_aws.hosts.host import Restart

AUTO_SCALING = "aws:autoscaling:asg"
APPLICATION_ENVIRONMENT = "aws:elasticbeanstalk:application:environment"
COMMAND = "aws:elasticbeanstalk:command"
LOCAL = "snow-white:local"
PLATFORM = "64bit Amazon Linux 2023 v4.7.0 running Ruby 3.3"
_AGENTS: Mapping[str, PingStatus | None] = {"online": "Online", "lost": "ConnectionLost", "none": None}
_ID_LETTERS = string.ascii_lowercase + string.digits


class DeploymentPolicy(StrEnum):
    """How a deploy comes to the instances. Here it changes those that there are, unless it is immutable."""

    ALL_AT_ONCE = "AllAtOnce"
    ROLLING = "Rolling"
    ROLLING_WITH_ADDITIONAL_BATCH = "RollingWithAdditionalBatch"
    IMMUTABLE = "Immutable"


class EnvironmentStatus(StrEnum):
    """The Status of an environment in Elastic Beanstalk's answers."""

    LAUNCHING = "Launching"
    UPDATING = "Updating"
    READY = "Ready"
    TERMINATING = "Terminating"
    TERMINATED = "Terminated"


@dataclass(frozen=True)
class Settings:
    """The option settings that have an effect here; all others are accepted and ignored."""

    instances: int = 1
    deployment_policy: DeploymentPolicy = DeploymentPolicy.ALL_AT_ONCE
    environment: Mapping[str, str] = field(default_factory=dict)
    host_options: HostOptions = field(default_factory=HostOptions)

    def with_options(self, options: Iterable[Mapping[str, str]]) -> Settings:
        """These settings with options of CreateEnvironment or UpdateEnvironment laid over them.

        Raises ServiceError ConfigurationValidationException naming an option whose value is not possible.
        """
        settings = self
        for option in options:
            namespace, name = option.get("Namespace", ""), option.get("OptionName", "")
            value = option.get("Value", "")
            try:
                settings = settings._with(namespace, name, value)
            except (KeyError, ValueError):
                raise ServiceError(
                    "ConfigurationValidationException",
                    f"Configuration validation exception: Invalid option value: '{value}' "
                    f"(Namespace: '{namespace}', OptionName: '{name}')",
                ) from None
        return settings

    def _with(self, namespace: str, name: str, value: str) -> Settings:
        if namespace == AUTO_SCALING and name == "MinSize":
            instances = int(value)
            if not 0 <= instances <= 10_000:
                raise ValueError(value)
            return replace(self, instances=instances)
        if namespace == COMMAND and name == "DeploymentPolicy":
            return replace(self, deployment_policy=DeploymentPolicy(value))
        if namespace == APPLICATION_ENVIRONMENT:
            return replace(self, environment={**self.environment, name: value})
        if namespace == LOCAL:
            return replace(self, host_options=self._host_options_with(name, value))
        return self

    def _host_options_with(self, name: str, value: str) -> HostOptions:
        match name:
            case "Agent":
                return replace(self.host_options, agent=_AGENTS[value])
            case "LaunchedMinutesAgo":
                return replace(self.host_options, launched_minutes_ago=float(value))
            case "Restart":
                return replace(self.host_options, restart=Restart(value))
            case "Workers":
                return replace(self.host_options, has_workers={"none": False, "one": True}[value])
        raise KeyError(name)


class Environment:
    """One environment of an application in a region. `lock` guards its fields, `resizing` its number of instances."""

    def __init__(self, application: str, name: str, region: str, account: str, version: str) -> None:
        self.application = application
        self.name = name
        self.id = f"e-{_random(10)}"
        self.group_name = f"awseb-{self.id}-stack-AWSEBAutoScalingGroup-{_random(12).upper()}"
        self.region = region
        self.arn = f"arn:aws:elasticbeanstalk:{region}:{account}:environment/{application}/{name}"
        self.version = version
        self.description = ""
        self.settings = Settings()
        self.status = EnvironmentStatus.LAUNCHING
        self.failed = False
        self.instances: list[WorkerInstance] = []
        self.created = self.updated = datetime.now(UTC)
        self.lock = threading.RLock()
        self.resizing = threading.Lock()

    @property
    def tags(self) -> dict[str, str]:
        """What Elastic Beanstalk tags the Auto Scaling group and its instances with."""
        return {"Name": self.name, ENVIRONMENT_NAME_TAG: self.name, ENVIRONMENT_ID_TAG: self.id}

    @property
    def is_terminated(self) -> bool:
        return self.status is EnvironmentStatus.TERMINATED

    def set_status(self, status: EnvironmentStatus) -> None:
        """Change the status and the time of the last update."""
        with self.lock:
            self.status = status
            self.updated = datetime.now(UTC)

    def describe(self) -> dict[str, Value]:
        """The EnvironmentDescription of the API."""
        with self.lock:
            busy = self.status not in (EnvironmentStatus.READY, EnvironmentStatus.TERMINATED)
            health = "Red" if self.failed else "Green" if self.status is EnvironmentStatus.READY else "Grey"
            return {
                "EnvironmentName": self.name,
                "EnvironmentId": self.id,
                "ApplicationName": self.application,
                "VersionLabel": self.version or None,
                "SolutionStackName": PLATFORM,
                "PlatformArn": f"arn:aws:elasticbeanstalk:{self.region}::platform/Ruby 3.3/4.7.0",
                "Description": self.description or None,
                "DateCreated": self.created,
                "DateUpdated": self.updated,
                "Status": self.status.value,
                "AbortableOperationInProgress": busy and self.status is EnvironmentStatus.UPDATING,
                "Health": health,
                "Tier": {"Name": "Worker", "Type": "SQS/HTTP", "Version": "3.0"},
                "EnvironmentLinks": [],
                "EnvironmentArn": self.arn,
            }


def _random(length: int) -> str:
    return "".join(secrets.choice(_ID_LETTERS) for _ in range(length))
