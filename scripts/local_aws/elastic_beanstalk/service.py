"""Elastic Beanstalk's API, served locally: environments whose instances are real worker hosts.

`install` prepares it, `handle` serves it inside MiniStack, `close` ends every host. As on AWS, a call that changes
an environment answers at once, and the environment is Ready again when the work is done.

Not as on AWS: an instance that somebody terminates in EC2 is not replaced, so that a test can take one away.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local_aws.agent.agent import Registry, registry
from local_aws.elastic_beanstalk import ec2_instances
from local_aws.elastic_beanstalk.background_work import EnvironmentWork
from local_aws.elastic_beanstalk.environment import Environment, Settings, Status
from local_aws.engine.query_protocol import Request, Response, Value, answer, refusal
from local_aws.engine.running import ACCOUNT
from local_aws.engine.service_error import ServiceError

NAMESPACE = "http://elasticbeanstalk.amazonaws.com/docs/2010-12-01/"
TERMINATED_SHOWN_FOR = timedelta(hours=1)
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{2,38})[A-Za-z0-9]")
Result = Mapping[str, Value]


@dataclass
class Application:
    """An application of a region and the labels of its versions."""

    name: str
    created: datetime
    versions: dict[str, datetime] = field(default_factory=dict)


class ElasticBeanstalk:
    """All regions of the service. `hosts` is the folder for the hosts, each named by its instance id."""

    def __init__(self, hosts: Path, agents: Registry, account: str = ACCOUNT) -> None:
        self._account = account
        self._applications: dict[tuple[str, str], Application] = {}
        self._environments: list[Environment] = []
        self._lock = threading.RLock()
        self.work = EnvironmentWork(hosts, agents)
        self._actions: Mapping[str, Callable[[Request, str], Result]] = {
            "CreateApplication": self._create_application,
            "CreateApplicationVersion": self._create_application_version,
            "CreateEnvironment": self._create_environment,
            "UpdateEnvironment": self._update_environment,
            "TerminateEnvironment": self._terminate_environment,
            "DescribeEnvironments": self._describe_environments,
        }

    def serve(self, request: Request, region: str) -> Response:
        """Answer one call to the service in `region`."""
        try:
            action = self._actions.get(request.action, _unknown)
            with self._lock:
                return answer(request.action, NAMESPACE, action(request, region))
        except ServiceError as error:
            return refusal(NAMESPACE, error)

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
        self.work.launch(environment)
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
        environment.turn(Status.UPDATING)
        described = environment.describe()
        # The same label again is a deploy as well.
        self.work.update(environment, deploys=restart or request.text("VersionLabel") is not None)
        return described

    def _terminate_environment(self, request: Request, region: str) -> Result:
        environment = self._environment(request, region)
        if environment.status is Status.TERMINATING:
            self._must_be_ready(environment)
        environment.turn(Status.TERMINATING)
        described = environment.describe()
        self.work.terminate(environment)
        return described

    def _describe_environments(self, request: Request, region: str) -> Result:
        found = [each.describe() for each in self._selected(request, region)]
        token, limit = request.text("NextToken"), request.text("MaxRecords")
        if limit is None and token is None:
            return {"Environments": found}
        size = int(limit) if limit else 1000
        if not 1 <= size <= 1000:
            bound = "greater than or equal to 1" if size < 1 else "less than or equal to 1000"
            raise ServiceError(
                "ValidationError",
                f"1 validation error detected: Value '{size}' at 'maxRecords' failed to satisfy constraint: "
                f"Member must have value {bound}",
            )
        begin = _read_token(token) if token else 0
        rest = len(found) > begin + size
        return {
            "Environments": found[begin : begin + size],
            "NextToken": _token(begin + size) if rest else None,
        }

    def _selected(self, request: Request, region: str) -> Iterable[Environment]:
        """Those a DescribeEnvironments means. Without IncludeDeleted=false, the recently terminated are among them."""
        back_to = request.moment("IncludedDeletedBackTo") or datetime.now(UTC) - TERMINATED_SHOWN_FOR
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
                and (not each.is_terminated or (with_deleted and each.updated >= back_to))
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
        if environment.status is not Status.READY:
            raise ServiceError(
                "InvalidParameterValue",
                f"Environment named {environment.name} is in an invalid state for this operation. "
                "Must be Ready.",
            )


_service: ElasticBeanstalk | None = None


def install(hosts: Path | None = None) -> ElasticBeanstalk:
    """Prepare the service and hook EC2; once. Without `hosts`, they are in `hosts` of the local AWS's folder."""
    global _service  # noqa: PLW0603  # MiniStack's handlers are functions of a module, and this is its state
    if _service is None:
        _service = ElasticBeanstalk(hosts or Path(os.environ["TMPDIR"]).parent / "hosts", registry)
        ec2_instances.install(_service.work.has, _service.work.end_instance)
    return _service


async def handle(
    method: str,  # noqa: ARG001
    path: str,  # noqa: ARG001
    headers: Mapping[str, str],  # noqa: ARG001
    body: bytes,
    query_params: Mapping[str, list[str] | str],
) -> Response:
    """Serve one call, in MiniStack's form; the region is that of the request's signature."""
    from ministack.core.responses import get_region

    return install().serve(Request.read(body, query_params), get_region())


def close() -> None:
    """End every host; the service stays closed."""
    if _service is not None:
        _service.work.close()


def _unknown(request: Request, region: str) -> Result:
    raise ServiceError("InvalidAction", f"{request.action} is not served here (region {region}).")


def _check_environment_name(name: str) -> None:
    if not _ENVIRONMENT_NAME.fullmatch(name):
        raise ServiceError(
            "InvalidParameterValue",
            f"Value {name} at 'EnvironmentName' failed to satisfy constraint: it must be from 4 to 40 characters "
            "long, contain only letters, digits and hyphens, and not start or end with a hyphen.",
        )


def _token(begin: int) -> str:
    return base64.urlsafe_b64encode(f"from {begin}".encode()).decode()


def _read_token(token: str) -> int:
    try:
        word, number = base64.urlsafe_b64decode(token).decode().split()
        if word == "from":
            return int(number)
    except (ValueError, binascii.Error):
        pass
    raise ServiceError("InvalidParameterValue", f"Invalid NextToken: {token}")
