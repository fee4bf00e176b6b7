"""Elastic Beanstalk's API: applications, their versions, and environments whose instances are worker hosts.

As on AWS, a call that changes an environment answers at once, and the environment is Ready again when the operation
has finished. Not as on AWS: an instance that is terminated in EC2 is not replaced, so that a test can remove one.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local_aws.agent.registry import AgentRegistry
from local_aws.auto_scaling.lifecycle import Lifecycle
from local_aws.elastic_beanstalk.environment import Environment, EnvironmentStatus, Settings
from local_aws.elastic_beanstalk.operations import EnvironmentOperations
from local_aws.elastic_beanstalk.pages import page_of
from local_aws.elastic_beanstalk.query_protocol import Request, Value, answer, refusal
from local_aws.engine.ministack import Response
from local_aws.engine.service_error import ServiceError

_TERMINATED_SHOWN_FOR = timedelta(hours=1)
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{2,38})[A-Za-z0-9]")
Result = Mapping[str, Value]


@dataclass
class Application:
    """An application of a region and the labels of its versions."""

    name: str
    created: datetime
    versions: dict[str, datetime] = field(default_factory=dict)


class ElasticBeanstalk:
    """The service in all regions. `hosts` is the folder for the hosts, each named by its instance id."""

    def __init__(self, hosts: Path, agents: AgentRegistry, lifecycle: Lifecycle, account: str) -> None:
        self._account = account
        self._applications: dict[tuple[str, str], Application] = {}
        self._environments: list[Environment] = []
        self._lock = threading.RLock()
        self.operations = EnvironmentOperations(hosts, agents, lifecycle)
        self._actions: Mapping[str, Callable[[Request, str], Result]] = {
            "CreateApplication": self._create_application,
            "CreateApplicationVersion": self._create_application_version,
            "CreateEnvironment": self._create_environment,
            "UpdateEnvironment": self._update_environment,
            "TerminateEnvironment": self._terminate_environment,
            "DescribeEnvironments": self._describe_environments,
            "DescribeEnvironmentResources": self._describe_environment_resources,
        }

    async def handle(
        self,
        method: str,  # noqa: ARG002
        path: str,  # noqa: ARG002
        headers: Mapping[str, str],  # noqa: ARG002
        body: bytes,
        query_params: Mapping[str, list[str] | str],
    ) -> Response:
        """Answer one request, which IAM has allowed already, in the region that it was signed for."""
        from ministack.core.responses import get_region

        request = Request.read(body, query_params)
        try:
            action = self._actions.get(request.action, _unknown)
            with self._lock:
                return answer(request.action, action(request, get_region()))
        except ServiceError as error:
            return refusal(error)

    def close(self) -> None:
        """End every host; the service stays closed."""
        self.operations.close()

    def _create_application(self, request: Request, region: str) -> Result:
        name = request.required("ApplicationName")
        if (region, name) in self._applications:
            raise ServiceError("InvalidParameterValue", f"Application {name} already exists.")
        application = self._applications[region, name] = Application(name, datetime.now(UTC))
        arn = f"arn:aws:elasticbeanstalk:{region}:{self._account}:application/{name}"
        described: dict[str, Value] = {"ApplicationArn": arn, "ApplicationName": name}
        return {"Application": {**described, "DateCreated": application.created, "Versions": []}}

    def _create_application_version(self, request: Request, region: str) -> Result:
        application = self._application(request, region)
        label = request.required("VersionLabel")
        if label in application.versions:
            raise ServiceError("InvalidParameterValue", f"Application Version {label} already exists.")
        application.versions[label] = created = datetime.now(UTC)
        described: dict[str, Value] = {
            "ApplicationName": application.name,
            "VersionLabel": label,
            "Description": request.text("Description"),
            "DateCreated": created,
            "DateUpdated": created,
            "Status": "PROCESSED",
        }
        return {"ApplicationVersion": described}

    def _create_environment(self, request: Request, region: str) -> Result:
        application = self._application(request, region)
        name = request.required("EnvironmentName")
        _check_environment_name(name)
        if self._find(region, name=name):
            raise ServiceError("InvalidParameterValue", f"Environment {name} already exists.")
        version = self._version(request, application) or ""
        environment = Environment(application.name, name, region, self._account, version)
        environment.description = request.text("Description") or ""
        environment.settings = Settings().with_options(request.structures("OptionSettings"))
        self._environments.append(environment)
        described = environment.describe()
        self.operations.launch(environment)
        return described

    def _update_environment(self, request: Request, region: str) -> Result:
        environment = self._environment(request, region)
        application = self._applications[region, environment.application]
        version = self._version(request, application) or environment.version
        settings = environment.settings.with_options(request.structures("OptionSettings"))
        self._must_be_ready(environment)
        restart = version != environment.version or settings.environment != environment.settings.environment
        environment.version, environment.settings = version, settings
        environment.description = request.text("Description") or environment.description
        environment.set_status(EnvironmentStatus.UPDATING)
        described = environment.describe()
        # The same label again is a deploy as well.
        self.operations.update(environment, deploys=restart or request.text("VersionLabel") is not None)
        return described

    def _terminate_environment(self, request: Request, region: str) -> Result:
        environment = self._environment(request, region)
        if environment.status is EnvironmentStatus.TERMINATING:
            self._must_be_ready(environment)
        environment.set_status(EnvironmentStatus.TERMINATING)
        described = environment.describe()
        self.operations.terminate(environment)
        return described

    def _describe_environments(self, request: Request, region: str) -> Result:
        found = [each.describe() for each in self._selected(request, region)]
        page, token = page_of(found, request)
        return {"Environments": page, "NextToken": token}

    def _describe_environment_resources(self, request: Request, region: str) -> Result:
        environment = self._environment(request, region)
        resources: dict[str, Value] = {
            "EnvironmentName": environment.name,
            "AutoScalingGroups": [{"Name": environment.group_name}],
            "Instances": [{"Id": each.instance_id} for each in environment.instances],
        }
        nothing = ("LaunchConfigurations", "LaunchTemplates", "LoadBalancers", "Triggers", "Queues")
        return {"EnvironmentResources": {**resources, **{name: [] for name in nothing}}}

    def _selected(self, request: Request, region: str) -> Iterable[Environment]:
        """What a DescribeEnvironments selects; recently terminated ones too, unless IncludeDeleted is false."""
        since = request.moment("IncludedDeletedBackTo") or datetime.now(UTC) - _TERMINATED_SHOWN_FOR
        with_deleted = request.flag("IncludeDeleted", default=True)
        names, ids = request.texts("EnvironmentNames"), request.texts("EnvironmentIds")
        application, version = request.text("ApplicationName"), request.text("VersionLabel")
        for each in sorted(self._environments, key=lambda one: (one.name, one.created)):
            if (
                each.region == region
                and application in (None, each.application)
                and version in (None, each.version)
                and (not names or each.name in names)
                and (not ids or each.id in ids)
                and (not each.is_terminated or (with_deleted and each.updated >= since))
            ):
                yield each

    def _application(self, request: Request, region: str) -> Application:
        name = request.required("ApplicationName")
        if (region, name) not in self._applications:
            raise ServiceError("InvalidParameterValue", f"No Application named '{name}' found.")
        return self._applications[region, name]

    @staticmethod
    def _version(request: Request, application: Application) -> str | None:
        label = request.text("VersionLabel")
        if label is not None and label not in application.versions:
            raise ServiceError("InvalidParameterValue", f"No Application Version named '{label}' found.")
        return label

    def _environment(self, request: Request, region: str) -> Environment:
        name, environment_id = request.text("EnvironmentName"), request.text("EnvironmentId")
        if name is None and environment_id is None:
            raise ServiceError(
                "MissingParameter", "Either EnvironmentName or EnvironmentId must be specified."
            )
        found = self._find(region, name, environment_id)
        if found is None:
            wanted = f"EnvironmentName = '{name}'" if name else f"EnvironmentId = '{environment_id}'"
            raise ServiceError("InvalidParameterValue", f"No Environment found for {wanted}.")
        return found

    def _find(
        self, region: str, name: str | None = None, environment_id: str | None = None
    ) -> Environment | None:
        for each in self._environments:
            if (
                each.region == region
                and not each.is_terminated
                and name in (None, each.name)
                and environment_id in (None, each.id)
            ):
                return each
        return None

    @staticmethod
    def _must_be_ready(environment: Environment) -> None:
        if environment.status is not EnvironmentStatus.READY:
            raise ServiceError(
                "InvalidParameterValue",
                f"Environment named {environment.name} is in an invalid state for this operation. "
                "Must be Ready.",
            )


def _unknown(request: Request, region: str) -> Result:
    raise ServiceError("InvalidAction", f"{request.action} is not served here (region {region}).")


def _check_environment_name(name: str) -> None:
    if not _ENVIRONMENT_NAME.fullmatch(name):
        raise ServiceError(
            "InvalidParameterValue",
            f"Value {name} at 'EnvironmentName' failed to satisfy constraint: it must be from 4 to 40 characters "
            "long, contain only letters, digits and hyphens, and not start or end with a hyphen.",
        )
