"""A customer's application on Elastic Beanstalk, for the demo and the tests: made with boto3, as on AWS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from local_aws.client import LocalAws

_SIZE: Final = ("aws:autoscaling:asg", "MinSize")
_POLICY: Final = ("aws:elasticbeanstalk:command", "DeploymentPolicy")
_VARIABLE: Final = "aws:elasticbeanstalk:application:environment"
_LOCAL: Final = "snow-white:local"
_LAST_LINES: Final = 30
VERSIONS: Final = ("v1", "v2")
"""The application's versions; an environment starts with the first."""


class EnvironmentFailed(Exception):
    """The hosts of an environment did not boot, or a deploy failed; the sentence names it, and the log."""


@dataclass
class Application:
    """An application with environments of real worker hosts whose jobs are in one Redis.

    Attributes:
        environments: (region, name) of those that were made.
    """

    aws: LocalAws
    name: str
    redis_url: str
    environments: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def running(cls, aws: LocalAws, name: str, redis_url: str, regions: Iterable[str]) -> Application:
        """The application with the environments that it has now."""
        found = cls(aws, name, redis_url)
        for region in regions:
            described = found._beanstalk(region).describe_environments(
                ApplicationName=name, IncludeDeleted=False
            )
            found.environments += [(region, one["EnvironmentName"]) for one in described["Environments"]]
        return found

    def add_environment(
        self, name: str, region: str, *, instances: int = 1, sidekiq: str = "", **host_options: str
    ) -> str:
        """An environment `<application>-<name>`; returns its full name at once, while its hosts boot.

        Args:
            sidekiq: arguments of each worker, "" for the usual ones.
            host_options: options of the namespace `snow-white:local`, such as Agent="none".
        """
        beanstalk = self._beanstalk(region)
        if not any(where == region for where, _ in self.environments):
            beanstalk.create_application(ApplicationName=self.name)
            for version in VERSIONS:
                beanstalk.create_application_version(ApplicationName=self.name, VersionLabel=version)
        full_name = f"{self.name}-{name}"
        options = {
            _SIZE: str(instances),
            (_VARIABLE, "REDIS_URL"): self.redis_url,
            (_VARIABLE, "SIDEKIQ_ARGS"): sidekiq,
            # On a host that was launched just now a missing agent may still start; on an older one it will not.
            (_LOCAL, "LaunchedMinutesAgo"): "60",
            **{(_LOCAL, option): value for option, value in host_options.items()},
        }
        beanstalk.create_environment(
            ApplicationName=self.name,
            EnvironmentName=full_name,
            VersionLabel=VERSIONS[0],
            OptionSettings=_option_settings(options),
        )
        self.environments.append((region, full_name))
        return full_name

    def deploy(self, version: str, environment: str, region: str, *, immutable: bool = False) -> None:
        """Start to replace the application on all hosts of the environment, or the hosts in an immutable update."""
        policy = {_POLICY: "Immutable"} if immutable else {}
        self._beanstalk(region).update_environment(
            EnvironmentName=environment, VersionLabel=version, OptionSettings=_option_settings(policy)
        )

    def resize(self, instances: int, environment: str, region: str) -> None:
        """Start to launch or terminate instances until the environment has so many."""
        self._beanstalk(region).update_environment(
            EnvironmentName=environment, OptionSettings=_option_settings({_SIZE: str(instances)})
        )

    def is_ready(self) -> bool:
        """Whether every environment is Ready. Raises EnvironmentFailed, with the end of the log, if one has failed."""
        # A list, so that a failed environment is found while another is not ready yet.
        ready = [self._is_ready(name, region) for region, name in self.environments]
        return all(ready)

    def _is_ready(self, name: str, region: str) -> bool:
        described = self._beanstalk(region).describe_environments(EnvironmentNames=[name])
        (environment,) = described["Environments"]
        if environment["Health"] == "Red":
            last_lines = "\n".join(self.aws.log.splitlines()[-_LAST_LINES:])
            raise EnvironmentFailed(
                f"{name} in {region} has the health Red: its last operation failed. "
                f"The reason is in {self.aws.folder / 'local_aws.log'}, which ends with:\n{last_lines}"
            )
        return bool(environment["Status"] == "Ready")

    def instances(self, environment: str, region: str) -> list[str]:
        """Ids of the environment's instances that are pending or running."""
        described = self.aws.client("ec2", region).describe_instances(
            Filters=[
                {"Name": "tag:elasticbeanstalk:environment-name", "Values": [environment]},
                {"Name": "instance-state-name", "Values": ["pending", "running"]},
            ]
        )
        return sorted(one["InstanceId"] for each in described["Reservations"] for one in each["Instances"])

    def confirmed_at(self, instance: str, region: str, document: str) -> datetime:
        """When the document last succeeded on the instance: from then on its workers counted as confirmed.

        Raises ValueError if it never did.
        """
        pages = (
            self.aws.client("ssm", region)
            .get_paginator("list_command_invocations")
            .paginate(
                InstanceId=instance,
                Details=True,
                Filters=[{"key": "DocumentName", "value": document}, {"key": "Status", "value": "Success"}],
            )
        )
        ends: list[datetime] = [
            one["CommandPlugins"][-1]["ResponseFinishDateTime"]
            for page in pages
            for one in page["CommandInvocations"]
        ]
        if not ends:
            raise ValueError(f"{document} has not succeeded on {instance} in {region}.")
        return max(ends)

    def terminate(self) -> None:
        """Start to terminate all environments with their hosts."""
        for region, name in self.environments:
            self._beanstalk(region).terminate_environment(EnvironmentName=name)

    def _beanstalk(self, region: str) -> Any:
        return self.aws.client("elasticbeanstalk", region)


def _option_settings(options: Mapping[tuple[str, str], str]) -> list[dict[str, str]]:
    return [
        {"Namespace": namespace, "OptionName": name, "Value": value}
        for (namespace, name), value in options.items()
        if value
    ]
