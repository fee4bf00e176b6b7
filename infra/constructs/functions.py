"""The Lambda functions: one per handler file in lambdas/, all from one bundle, each with its own role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from aws_cdk import Duration, Fn
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.access.permissions import SEE_TERMINATIONS, Permissions
from infra.access.roles import NO_RESOURCE_IN_IAM, Grant, build_role
from infra.checks import acknowledge
from infra.constructs.log_groups import build_log_group
from infra.lambda_bundle import lambda_bundle
from infra.settings import Settings
from snow_white.model.fleet import tag_texts
from snow_white.version import VERSION

FUNCTION_TIMEOUT: Final = Duration.seconds(300)
# In megabytes. Lambda gives CPU by memory, a whole core at 1,769 MB. What reads the whole fleet is bound by it, and is
# faster at nearly the same price; a poll waits for answers, or for the next poll, most of its time.
_MEMORY: Final = {"discover_instances": 1769, "dispatch_command": 1769, "poll_command": 512}
_LEAST_MEMORY: Final = 512


class Functions(Construct):
    """`by_name["poll_command"]` is the function whose handler is in lambdas/poll_command.py."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        permissions: Permissions,
        idempotency_table: str,
        schedule_group: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self._idempotency_table = idempotency_table
        self._schedule_group = schedule_group
        self._settings = settings
        self._permissions = permissions
        self.by_name: dict[str, lambda_.Function] = {}
        self._code = lambda_.Code.from_asset(str(lambda_bundle()))
        for name, grants in permissions.by_function().items():
            self.by_name[name] = self.build_function(name, grants)

    def build_function(
        self,
        name: str,
        grants: Sequence[Grant],
        *,
        environment: Mapping[str, str] | None = None,
        timeout: Duration = FUNCTION_TIMEOUT,
    ) -> lambda_.Function:
        """The function of lambdas/<name>.py; `environment` is added to the variables that every function gets."""
        title = "".join(word.capitalize() for word in name.split("_"))
        log_group = build_log_group(self, f"{title}Logs", retention_days=self._settings.log_retention_days)
        function = lambda_.Function(
            self,
            title,
            code=self._code,
            handler=f"{name}.handler",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=_MEMORY.get(name, _LEAST_MEMORY),
            timeout=timeout,
            tracing=lambda_.Tracing.ACTIVE,
            log_group=log_group,
            environment={**self._environment(grants), **(environment or {})},
            role=build_role(
                self,
                f"{title}Role",
                service="lambda.amazonaws.com",
                grants=[*grants, _write_logs(log_group), _SEND_TRACES],
            ),
        )
        acknowledge(
            function, "AwsSolutions-L1", "A newer Python is a decision: the packages are pinned for 3.13."
        )
        return function

    def _environment(self, grants: Sequence[Grant]) -> Mapping[str, str]:
        settings = self._settings
        tags = tag_texts(settings.worker_tags)
        limits = {
            **(
                {"WORKER_GROUPS": Fn.join(",", list(settings.worker_groups))}
                if settings.worker_groups
                else {}
            ),
            **({"WORKER_TAGS": ",".join(tags)} if tags else {}),
        }
        every = {
            "DEFAULT_REGIONS": Fn.join(",", list(settings.regions)),
            "DEFAULT_ENVIRONMENTS": Fn.join(",", list(settings.default_environments)),
            **limits,
            "SNOW_WHITE_VERSION": VERSION,
            "POWERTOOLS_SERVICE_NAME": "snow-white",
            "POWERTOOLS_METRICS_NAMESPACE": "SnowWhite",
            "POWERTOOLS_LOG_LEVEL": settings.log_level,
        }
        slack = {
            "SLACK_TOKEN_SECRET": self._permissions.secret_arn,
            "SLACK_CHANNEL": settings.slack_channel,
            "SLACK_USER_TAG": settings.slack_user_tag,
            "SLACK_API_URL": settings.slack_api_url,
            **({"SLASH_COMMAND": "true"} if settings.slash_command else {}),
        }
        table = {"IDEMPOTENCY_TABLE": self._idempotency_table}
        schedules = {
            "SCHEDULE_GROUP": self._schedule_group,
            "SCHEDULE_ROLE": self._permissions.schedule_role_arn,
            "REMIND_AFTER_SECONDS": str(60 * settings.remind_after),
        }
        sees = {"SEES_TERMINATIONS": "true"}
        return {
            **every,
            **(sees if any(SEE_TERMINATIONS in grant.actions for grant in grants) else {}),
            **(schedules if any("iam:PassRole" in grant.actions for grant in grants) else {}),
            **(slack if self._permissions.read_token in grants else {}),
            **(table if self._permissions.remember in grants else {}),
        }


def _write_logs(log_group: logs.ILogGroup) -> Grant:
    return Grant(("logs:CreateLogStream", "logs:PutLogEvents"), (log_group.log_group_arn,))


_SEND_TRACES: Final = Grant(
    ("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
    ("*",),
    wildcard_reason=NO_RESOURCE_IN_IAM,
)
