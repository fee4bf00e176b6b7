"""A customer's application on Elastic Beanstalk, for the demo and the tests: made with boto3, as on AWS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from local_aws.client import LocalAws

_SIZE: Final = ("aws:autoscaling:asg", "MinSize")
_VARIABLE: Final = "aws:elasticbeanstalk:application:environment"
_LOCAL: Final = "snow-white:local"
VERSIONS: Final = ("v1", "v2")
"""The application's versions; environments begin with the first."""


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

    def add_environment(
        self, name: str, region: str, *, instances: int = 1, sidekiq: str = "", **knobs: str
    ) -> str:
        """An environment `<application>-<name>`; returns its full name at once, while its hosts boot.

        Args:
            sidekiq: arguments of each worker, "" for the usual ones.
            knobs: options of the local namespace `snow-white:local`, such as Agent="none".
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
            # An agent that is missing on a host launched just now may still come; on these it will not.
            (_LOCAL, "LaunchedMinutesAgo"): "60",
            **{(_LOCAL, knob): value for knob, value in knobs.items()},
        }
        beanstalk.create_environment(
            ApplicationName=self.name,
            EnvironmentName=full_name,
            VersionLabel=VERSIONS[0],
            OptionSettings=_option_settings(options),
        )
        self.environments.append((region, full_name))
        return full_name

    def deploy(self, version: str, environment: str, region: str) -> None:
        """Replace the application on all hosts of the environment; returns while that goes on."""
        self._beanstalk(region).update_environment(EnvironmentName=environment, VersionLabel=version)

    def resize(self, instances: int, environment: str, region: str) -> None:
        """Let the environment have so many instances; returns while it grows or shrinks."""
        self._beanstalk(region).update_environment(
            EnvironmentName=environment, OptionSettings=_option_settings({_SIZE: str(instances)})
        )

    def is_ready(self) -> bool:
        """Whether nothing goes on in any of the environments."""
        return all(
            self._beanstalk(region).describe_environments(EnvironmentNames=[name])["Environments"][0][
                "Status"
            ]
            == "Ready"
            for region, name in self.environments
        )

    def instances(self, environment: str, region: str) -> list[str]:
        """Ids of the environment's instances that are pending or running."""
        described = self.aws.client("ec2", region).describe_instances(
            Filters=[
                {"Name": "tag:elasticbeanstalk:environment-name", "Values": [environment]},
                {"Name": "instance-state-name", "Values": ["pending", "running"]},
            ]
        )
        return sorted(one["InstanceId"] for each in described["Reservations"] for one in each["Instances"])

    def confirmed_at(self, instance: str, region: str) -> datetime:
        """When the last command to the instance ended there: from then on its workers were said to be confirmed."""
        ssm = self.aws.client("ssm", region)
        found = ssm.list_command_invocations(InstanceId=instance, Details=True)["CommandInvocations"]
        ends: list[datetime] = [one["CommandPlugins"][0]["ResponseFinishDateTime"] for one in found]
        return max(ends)

    def terminate(self) -> None:
        """End all environments with their hosts; returns while that goes on."""
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
